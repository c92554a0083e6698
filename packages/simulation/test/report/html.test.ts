import { assert, describe, expect, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as Property from "@sluice/core/Property"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Trace from "@sluice/simulation/Trace"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { vi } from "vitest"
import { writeReport } from "../../src/internal/report/files.ts"
import type { PageData } from "../../src/internal/report/html/browser/pageData.ts"
import { sha256 } from "../../src/internal/report/html/sha256.ts"
import { hostile, messages, port, staleReads } from "../fixtures/staleReads.ts"

const recorded = (trace?: SimNetwork.TraceOptions) =>
  Simulation.record(staleReads, { seed: 4, schedule: "random", ...(trace !== undefined && { trace }) })

const scriptOf = (html: string) => /<script type="application\/json" id="data">(.*)<\/script>\n<script>/.exec(html)?.[1]

const dataOf = (trace: Trace.Trace, options?: Trace.HtmlOptions): PageData => {
  const json = scriptOf(Trace.toHtml(trace, options))
  assert(json !== undefined)
  return JSON.parse(json) as PageData
}

const mark = (at: number): Trace.Record => ({ _tag: "Note", at, host: "a", kind: "mark", text: `mark ${at}` })
const traceOf = (records: ReadonlyArray<Trace.Record>): Trace.Trace => ({
  records,
  dropped: 0,
  hosts: ["a"],
  hash: "0".repeat(16)
})
const long = traceOf(Array.from({ length: 3000 }, (_, index) => mark(index * 1000)))

describe("Trace.toHtml", () => {
  it.effect("opens at the call that has no place, with the failure, marks, properties and messages by name", () =>
    Effect.gen(function*() {
      const { trace } = yield* recorded()
      const data = dataOf(trace, { title: "stale reads", facts: { seed: "4" }, decode: { [port]: messages } })
      expect(data).toMatchObject({ title: "stale reads", failure: "the history is not linearizable", hosts: 4 })
      expect(data.rows[data.start]).toMatchObject({ kind: "call", isBad: true })
      expect(data.rows[data.start]!.text).toMatch(/^bob: read → 1: no place for it in any order/)
      expect(data.calls.map(({ client, order, violation }) => [client, order, violation !== ""])).toEqual([
        ["alice", 1, false],
        ["bob", 2, false],
        ["alice", 3, false],
        ["bob", 0, true]
      ])
      const texts = data.rows.map(({ text }) => text)
      expect(texts).toContain("write {value: 2}")
      expect(texts).toContain("sometimes: bob has read")
      expect(texts).toContain("wrote 1")
      expect(texts.at(-1)).toBe("the history is not linearizable")
      expect(data.faults).toMatchObject([{ name: "partition primary | backup", lanes: [0, 1], isLink: true }])
      expect(data.waits).toBeUndefined()
    }))

  it.effect("records what waits where when it is asked to, and is the same run", () =>
    Effect.gen(function*() {
      const [plain, detailed] = [yield* recorded(), yield* recorded({ waits: 0 })]
      expect(detailed.trace.hash).toBe(plain.trace.hash)
      expect([detailed.steps, detailed.elapsed]).toEqual([plain.steps, plain.elapsed])
      const { rows, spans, waits } = dataOf(detailed.trace)
      assert(waits !== undefined)
      const names = new Set(waits.actors.map(({ host, name }) => `${host}: ${name}`))
      expect(names).toContain("alice: writing")
      expect(names).toContain("backup: tcp 0.0.0.0:7")
      expect(waits.states).toContain("LISTEN, waits for connections")
      expect(waits.states).toContain("ESTABLISHED, waits for bytes from its peer")
      expect(waits.states.some((state) => /^sleeps until 0\.\d{6} s$/.test(state))).toBe(true)
      expect(spans.map(({ name }) => name)).toContain("reading")
      expect(waits.changes.every(([row], index) => row >= (waits.changes[index - 1]?.[0] ?? 0))).toBe(true)
      expect(waits.changes.at(-1)![0]).toBeLessThanOrEqual(rows.length)
    }))

  it.effect("text of programs and peers is data: it is never parsed as HTML, and is made safe", () =>
    Effect.gen(function*() {
      const { trace } = yield* recorded()
      const html = Trace.toHtml(trace, { title: hostile, facts: { [hostile]: hostile } })
      expect(html.match(/<script/g)).toHaveLength(2)
      expect(html).not.toContain("<img")
      expect(html).not.toContain("\u202e")
      const { rows, title } = JSON.parse(scriptOf(html)!) as PageData
      expect(title).toBe(hostile.replace("\u202e", "\\u{202e}"))
      expect(rows.map(({ text }) => text)).toContain(`INFO ${title}`)
    }))

  it.effect("says that a run failed, and why, only where one did", () =>
    Effect.sync(() => {
      const failed = Trace.toHtml(traceOf([mark(0)]), { failure: { at: 0, text: "why & how" } })
      expect(failed).toContain(`<p class="reason"><strong>Failed:</strong> why &amp; how</p>`)
      expect(failed).toContain(">To the failure</button>")
      const good = Trace.toHtml(traceOf([mark(0)]))
      expect(good).not.toContain("Failed:")
      expect(good).toContain(">To the end</button>")
    }))

  it.effect("a packet has a time of arrival, or the reason why it has none", () =>
    Effect.gen(function*() {
      const { rows } = dataOf((yield* recorded()).trace)
      const outcomes = rows.filter(({ kind }) => ["message", "control", "ack"].includes(kind)).map((row) => ({
        ...row,
        outcome: row.detail.find(([name]) => name === "Outcome")![1]
      }))
      const arrived = outcomes.filter(({ fate }) => fate === "")
      expect([arrived.length > 0, arrived.length < outcomes.length]).toEqual([true, true])
      for (const { arrival, at, fate, outcome } of outcomes) {
        if (fate === "") expect([arrival! > at, outcome]).toEqual([true, expect.stringMatching(/^arrives .* later$/)])
        else expect([arrival, outcome]).toEqual([undefined, fate])
      }
    }))

  it.effect("an acknowledgment names the last byte that came", () =>
    Effect.gen(function*() {
      const { rows } = dataOf((yield* recorded()).trace)
      const has = (row: PageData["rows"][number], name: string) => row.detail.find(([each]) => each === name)?.[1]
      // The first byte of each connection is byte 1: the SYN is byte 0.
      const ranges = rows.flatMap((row) => /^1–(\d+)$/.exec(has(row, "Sequence") ?? "")?.[1] ?? [])
      const acknowledged = new Set(rows.map((row) => has(row, "Acknowledges")))
      expect(ranges.length).toBeGreaterThan(0)
      for (const last of ranges) expect(acknowledged).toContain(`up to ${last}`)
      expect(rows.filter((row) => has(row, "Flags")?.startsWith("SYN [")).map((row) => has(row, "Acknowledges")))
        .not.toContain(expect.stringMatching("up to"))
    }))

  it.effect("its policy names its script and its style by their hashes, and allows nothing else", () =>
    Effect.sync(() => {
      for (const length of [0, 1, 55, 56, 63, 64, 119, 120, 1000]) {
        const bytes = Crypto.randomBytes(length)
        expect(Buffer.from(sha256(bytes)).toString("hex")).toBe(Crypto.hash("sha256", bytes))
      }
      const html = Trace.toHtml(long)
      const [, script = ""] = /<script>([^]*)<\/script>/.exec(html) ?? []
      const [, style = ""] = /<style>([^]*)<\/style>/.exec(html) ?? []
      const hash = (text: string) => `'sha256-${Crypto.hash("sha256", text, "base64")}'`
      expect(script.length).toBeGreaterThan(1000)
      expect(html).toContain(
        `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data:; base-uri 'none'; ` +
          "form-action 'none'"
      )
      const addresses = new Set(html.match(/https?:[^"]+/g))
      expect([...addresses]).toEqual(["http://www.w3.org/2000/svg"])
    }))

  it.effect("has the last records; and those around a failure that is earlier", () =>
    Effect.sync(() => {
      const last = dataOf(long, { records: 100 })
      expect([last.rows.length, last.rows[0]!.text, last.start]).toEqual([100, "mark 2900000", 99])
      expect(last.facts).toContainEqual(["records", "100 of 3000"])
      const early = dataOf(long, { records: 100, failure: { at: 500_000, text: "why" } })
      const texts = early.rows.map(({ text }) => text)
      expect(texts).toHaveLength(101)
      expect([texts[early.start], texts[50], texts.at(-1)]).toEqual([
        "mark 500000",
        "2425 records are not shown",
        "mark 2999000"
      ])
      expect(early.start).toBe(25)
      expect(early.failure).toBe("why")
      const empty = dataOf(traceOf([]))
      expect([empty.rows, empty.start]).toEqual([[], 0])
    }))

  it("has the faults that last into it, and those within it, and no others", () => {
    const fault = (id: number, at: number, phase: "begin" | "end"): Trace.Record => ({
      _tag: "Fault",
      at,
      id,
      phase,
      kind: "pause",
      name: `pause ${id}`,
      hosts: ["a"],
      others: []
    })
    // Of 1,000 marks, a millisecond apart, the page has the last 100 records.
    const faults = [
      fault(1, 100_500, "begin"),
      fault(1, 200_500, "end"),
      fault(2, 300_500, "begin"),
      fault(3, 400_500, "begin"),
      fault(3, 950_500, "end"),
      fault(4, 960_500, "begin"),
      fault(4, 970_500, "end")
    ]
    const marks = Array.from({ length: 1000 }, (_, index) => mark(index * 1000))
    const data = dataOf(traceOf([...marks, ...faults].sort((a, b) => a.at - b.at)), { records: 100 })
    const rowOf = (text: string) => data.rows.findIndex((row) => row.text.includes(text))
    expect(data.faults.map(({ first, last, name }) => [name, first, last])).toEqual([
      ["pause 2", 0, undefined],
      ["pause 3", 0, rowOf("mark 950000") + 1],
      ["pause 4", rowOf("mark 960000") + 1, rowOf("mark 970000") + 1]
    ])
  })

  it.effect("names datagrams by a function, and what cannot be decoded is said to be invalid", () =>
    Effect.gen(function*() {
      const { trace } = yield* Simulation.record(Effect.gen(function*() {
        const [a] = yield* SimNetwork.hosts("a", "b")
        const socket = yield* Effect.provide(Network.bind("udp://0.0.0.0:1000"), Host.layer(a))
        yield* UdpSocket.send(socket, "[1]\n", "10.0.0.2:7")
        yield* UdpSocket.send(socket, "[1\n", "10.0.0.2:7")
        yield* UdpSocket.send(socket, "ping", "10.0.0.2:8")
        yield* UdpSocket.send(socket, "pong", "10.0.0.2:9")
      }))
      const fails = () => {
        throw new Error("unknown")
      }
      const decode = { 7: messages, 8: (payload: Uint8Array) => `${payload.length} letters`, 9: fails }
      const texts = dataOf(trace, { decode }).rows.map(({ text }) => text)
      expect([texts[0], texts[2], texts[3]]).toEqual(["[1]", "4 letters", "invalid: unknown"])
      expect(texts[1]).toMatch(/^invalid: /)
    }))
})

describe("a packet in flight when the run ends", () => {
  it.effect("is not lost because all hosts lose their power", () =>
    Effect.gen(function*() {
      const { trace } = yield* Simulation.record(Effect.gen(function*() {
        const [a] = yield* SimNetwork.hosts("a", "b")
        const socket = yield* Effect.provide(Network.bind("udp://0.0.0.0:1000"), Host.layer(a))
        yield* UdpSocket.send(socket, "ping", "10.0.0.2:7")
        yield* Effect.fail("over")
      }))
      expect(trace.records).toMatchObject([{ fate: "arrives", arrival: 1000 }, { kind: "failure", text: "over" }])
    }))
})

describe("the pictures", () => {
  it.effect("have the last records, bounded text, and no character that XML has not", () =>
    Effect.sync(() => {
      const text = `${"x".repeat(5000)}\u0000<&`
      const trace = traceOf([...long.records, { _tag: "Note", at: 3e6, host: "a", kind: "mark", text }])
      const svg = Trace.toSvg(trace)
      expect(svg.match(/class="note"/g)).toHaveLength(1000)
      expect(svg).toContain("after 2001 more")
      expect(svg.length).toBeLessThan(400_000)
      // oxlint-disable-next-line no-control-regex
      expect(Trace.toSvg(traceOf([{ ...mark(0), text: "\u0000\u001b" } as Trace.Record]))).not.toMatch(/[\0\x1b]/)
      const lines = Trace.toMermaid(trace).split("\n")
      expect(lines).toHaveLength(203)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(300)
      const marks = (count: number) => Trace.toMermaid(traceOf(long.records.slice(0, count)))
      expect(marks(200)).not.toContain("after")
      expect(marks(201)).toContain("Note over h0: after 1 more\n")
      expect(Trace.toMermaid({ ...traceOf([]), dropped: 5 })).toBe("sequenceDiagram")
      expect(Trace.toMermaid(Trace.around(trace, 100_000, { before: 3, after: 2 })).split("\n").slice(-5)).toEqual(
        [98, 99, 100, 101, 102].map((time) => `  Note over h0: ${time} ms: a: mark: mark ${time}000`)
      )
    }))
})

describe("a failure that Simulation.explore finds", () => {
  it.effect("is written nowhere on a platform that has no files", () =>
    Effect.gen(function*() {
      const platform = (missing?: string) => ({
        cwd: () => {
          throw new Error("there are no folders")
        },
        getBuiltinModule: (name: string) => name === missing ? undefined : {}
      })
      const own = process
      for (const process of [undefined, { cwd: platform().cwd }, platform("node:fs"), platform("node:os")]) {
        vi.stubGlobal("process", process)
        const path = yield* Effect.ensuring(
          writeReport("name", traceOf([mark(0)]), {}),
          Effect.sync(() => vi.stubGlobal("process", own))
        )
        expect(path).toBeUndefined()
      }
    }))

  it.effect("is kept with the 40 newest in a folder of its own, and nothing is removed from another", () =>
    Effect.gen(function*() {
      const own = process
      for (const hasModules of [true, false]) {
        for (const chosen of [undefined, "/chosen"]) {
          const folders = { modules: "/here/node_modules/.sluice", temporary: "/tmp/sluice-reports" }
          const folder = chosen ?? (hasModules ? folders.modules : folders.temporary)
          const [written, removed]: [Array<string>, Array<string>] = [[], []]
          const names = Array.from({ length: 200 }, (_, index) => `${(index * 37) % 200}`)
          const files = {
            existsSync: (path: string) => path === "/here/node_modules" && hasModules,
            mkdirSync: () => {},
            writeFileSync: (path: string) => void written.push(path),
            readdirSync: (path: string) => path === folder ? names : [],
            rmSync: (path: string) => void removed.push(path),
            statSync: (path: string) => ({ mtimeMs: Number(path.split("/").at(-1)), isFile: () => true })
          }
          vi.stubGlobal("process", {
            cwd: () => "/here",
            getBuiltinModule: (name: string) => name === "node:fs" ? files : { tmpdir: () => "/tmp" }
          })
          const environment = ConfigProvider.fromUnknown(chosen === undefined ? {} : { SLUICE_REPORTS: chosen })
          const path = yield* Effect.ensuring(
            Effect.provideService(
              writeReport("seed 3: a/b", traceOf([mark(0)]), {}),
              ConfigProvider.ConfigProvider,
              environment
            ),
            Effect.sync(() => vi.stubGlobal("process", own))
          )
          expect(path).toBe(`${folder}/seed-3-a-b.html`)
          expect(written).toEqual(["html", "txt", "svg", "pcapng"].map((ending) => `${folder}/seed-3-a-b.${ending}`))
          const oldest = Array.from({ length: 40 }, (_, index) => `${folder}/${39 - index}`)
          expect(removed).toEqual(chosen === undefined ? oldest : [])
        }
      }
    }))

  it.effect("is named though another process removes reports, or leaves what cannot be removed", () =>
    Effect.gen(function*() {
      const own = process
      const home = Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-reports-"))
      const folder = Path.join(home, "node_modules", ".sluice")
      Fs.mkdirSync(Path.join(folder, "oldest"), { recursive: true })
      // As a file that has gone since the folder was listed.
      Fs.symlinkSync("nowhere", Path.join(folder, "gone"))
      for (let index = 0; index < 200; index++) Fs.writeFileSync(Path.join(folder, `${index}`), "")
      for (const name of Fs.readdirSync(folder)) Fs.lutimesSync(Path.join(folder, name), 0, 0)
      vi.stubGlobal("process", { cwd: () => home, getBuiltinModule: own.getBuiltinModule })
      const path = yield* Effect.ensuring(
        writeReport("seed 3", traceOf([mark(0)]), {}),
        Effect.sync(() => vi.stubGlobal("process", own))
      )
      const names = Fs.readdirSync(folder)
      Fs.rmSync(home, { recursive: true })
      expect(path).toBe(Path.join(folder, "seed-3.html"))
      expect(names).toContain("seed-3.html")
      expect(names).toContain("oldest")
      // The newest 40 reports of four files each, and the two that are none.
      expect(names).toHaveLength(162)
    }))

  it.effect("is written as a page in SLUICE_REPORTS, with what waits, and named in the log", () =>
    Effect.gen(function*() {
      const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-reports-"))
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const violated = Effect.gen(function*() {
        const node = yield* SimNetwork.host("node")
        yield* Host.run(node, Effect.andThen(Effect.sleep("1 second"), Property.always("true", false, { term: 7 })))
      })
      const { failures } = yield* Simulation.explore(violated, { seeds: [3], trace: { records: 50 } }).pipe(
        Effect.provideService(Logger.CurrentLoggers, new Set([logger])),
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ SLUICE_REPORTS: folder }))
      )
      const names = Fs.readdirSync(folder)
      const page = names.find((name) => name.endsWith(".html"))
      assert(page !== undefined)
      const html = Fs.readFileSync(Path.join(folder, page), "utf8")
      Fs.rmSync(folder, { recursive: true })
      expect(names.map((name) => name.replace(/^seed-3-[0-9a-f]{8}\./, "")).sort()).toEqual([
        "html",
        "pcapng",
        "svg",
        "txt"
      ])
      expect(lines.join("\n")).toContain(`the page to step through it: ${Path.join(folder, page)}`)
      const data = JSON.parse(scriptOf(html)!) as PageData
      expect(data.failure).toBe("violated: always: true: {term:7}")
      expect(data.rows[data.start]).toMatchObject({ kind: "failure", from: 0 })
      expect(data.waits?.states).toContain("sleeps until 1.000000 s")
      expect(failures[0]!.trace.waits).toBeUndefined()
    }))
})
