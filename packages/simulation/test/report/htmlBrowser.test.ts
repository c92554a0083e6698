import * as Simulation from "@sluice/simulation/Simulation"
import * as Trace from "@sluice/simulation/Trace"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import type { PageData } from "../../src/internal/report/html/browser/pageData.ts"
import { contrast, hasChromium, openTab } from "../fixtures/browser.ts"
import { messages, port, staleReads } from "../fixtures/staleReads.ts"

if (!hasChromium) console.warn("the page of a trace is not tried in a browser: chromium is missing")

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-pages-"))
afterAll(() => Fs.rmSync(folder, { recursive: true }))

// Pictures stay there, for a person to look at, if it is set.
const pictures = process.env["SLUICE_PICTURES"]

const write = (name: string, trace: Trace.Trace): string => {
  const path = Path.join(folder, `${name}.html`)
  Fs.writeFileSync(path, Trace.toHtml(trace, { title: name, decode: { [port]: messages } }))
  return path
}

const record = async (): Promise<Trace.Trace> => {
  const options = { seed: 4, schedule: "random", trace: { waits: 0 } } as const
  const recorded = Simulation.record(staleReads, options)
  return (await Effect.runPromise(Effect.provideService(recorded, Logger.CurrentLoggers, new Set()))).trace
}

const current = "document.querySelector('[aria-selected=true]')?.getAttribute('aria-label')"
const click = (id: string) => `document.getElementById('${id}').click()`
const type = (id: string, text: string) =>
  `{ const field = document.getElementById('${id}'); field.value = '${text}'; field.dispatchEvent(new Event('input')) }`
const text = (id: string) => `document.getElementById('${id}').textContent`

describe.skipIf(!hasChromium)("the page of a trace, in Chromium", () => {
  it("opens at the failure, steps by keyboard, filters and finds, and asks no host for anything", async () => {
    const trace = await record()
    const path = write("stale reads", trace)
    await using tab = await openTab()
    await tab.view(1280, 800, "light")
    await tab.open(path)
    const start = await tab.evaluate(current)
    expect(start).toMatch(/bob, call, bob: read → 1: no place for it in any order/)
    expect(await tab.evaluate("document.activeElement.id")).toBe("list")
    expect(await tab.evaluate("document.getElementById('list').getAttribute('aria-activedescendant')")).toBe(
      await tab.evaluate("document.querySelector('[aria-selected=true]').id")
    )
    expect(await tab.evaluate(text("faults"))).toContain("partition primary | backup")
    expect(await tab.evaluate(text("waits"))).toContain("LISTEN, waits for connections")
    expect(await tab.evaluate(text("callRows"))).toContain("no place for it in any order")

    // Chromium drops rules that it does not understand.
    const countRules = `(function count(rules) {
      return [...rules].reduce((sum, each) => sum + 1 + count(each.cssRules ?? []), 0)
    })(document.styleSheets[0].cssRules)`
    const style = String(await tab.evaluate("document.querySelector('style').textContent"))
    const written = style.split("\n").filter((line) => !line.includes("-moz-")).join("\n").match(/{/g)
    expect(await tab.evaluate(countRules)).toBe(written?.length)

    // Keys.
    const after = async (key: string) => {
      await tab.press(key)
      return tab.evaluate(current)
    }
    const previous = await after("k")
    expect(previous).not.toBe(start)
    expect(await after("ArrowDown")).toBe(start)
    expect(await after("Home")).toMatch(/^0\.\d{6}, alice, call/)
    expect(await after("j")).toMatch(/alice to primary, control, SYN/)
    expect(await after("End")).toMatch(/failure, the history is not linearizable$/)
    expect(await after("f")).toMatch(/bob, call, bob calls read/)
    expect(await after("f")).toBe(start)

    // What is so at each record that is shown, by the data of the page.
    const [, json] = /<script type="application\/json" id="data">(.*)<\/script>/.exec(Fs.readFileSync(path, "utf8")) ??
      []
    const { calls, faults, rows } = JSON.parse(json!) as PageData
    const shown = rows.flatMap(({ kind }, index) => kind === "ack" || kind === "span" ? [] : [index])
    const holds = (row: number) => ({ first, last }: Pick<PageData["calls"][number], "first" | "last">) =>
      first <= row && (last === undefined || last > row)
    const steps = `(() => {
      const key = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key }))
      const all = (selector) => [...document.querySelectorAll(selector)]
      key("Home")
      return Array.from({ length: ${shown.length} }, () => {
        const told = [
          document.getElementById("list").getAttribute("aria-activedescendant"),
          ${text("position")},
          all("#faults .fault").map((each) => each.textContent),
          all("#callRows .open").length,
          all("#callRows [aria-current]").length
        ]
        key("j")
        return told
      })
    })()`
    expect(await tab.evaluate(steps)).toEqual(shown.map((row) => [
      `row-${row}`,
      `record ${row + 1} of ${rows.length}`,
      faults.filter(holds(row)).map(({ name }) => name),
      calls.filter(holds(row)).length,
      calls.filter(({ first, last }) => first === row || last === row).length
    ]))
    const marks = "[...document.querySelectorAll('#overview .fault')].map((each) => +each.getAttribute('x'))"
    const places = faults.map(({ first }) => shown.findIndex((row) => row >= first) / (shown.length - 1) * 1000)
    expect(await tab.evaluate(marks)).toEqual(places)

    // What is not in the list is told.
    await tab.evaluate(
      `{ const s = document.getElementById("scrubber"); s.focus(); s.value = 0; s.dispatchEvent(new Event("input")) }`
    )
    expect(await tab.evaluate(text("live"))).toMatch(/alice, call, alice calls write/)
    expect(await tab.evaluate("document.getElementById('scrubber').getAttribute('aria-valuetext')")).toMatch(
      / s, alice/
    )

    await tab.evaluate(type("filter", "bob read"))
    expect(await tab.evaluate("document.querySelectorAll('.row').length")).toBeLessThan(20)
    await tab.evaluate(type("filter", ""))
    await tab.evaluate(type("search", "dropped, partitioned"))
    await tab.evaluate("document.getElementById('list').focus()")
    expect(await after("n")).toMatch(/primary to backup, control, SYN, dropped, partitioned$/)

    // The table has the same records.
    const size = await tab.evaluate(
      "document.getElementById('list').querySelector('.row').getAttribute('aria-setsize')"
    )
    await tab.press("t")
    expect(await tab.evaluate("document.querySelectorAll('#tableRows tr').length")).toBe(Number(size))
    expect(await tab.evaluate("document.querySelector('#tableRows [aria-current] td:last-child').textContent")).toBe(
      "dropped, partitioned"
    )
    expect(await tab.evaluate(text("tableRange"))).toBe(`1–${size} of ${size}`)
    await tab.evaluate(type("filter", "no record has this text"))
    expect(await tab.evaluate(text("tableRange"))).toBe("0–0 of 0")
    await tab.evaluate(type("filter", ""))
    await tab.evaluate(click("failureButton"))
    await tab.press("t")

    for (const [width, height] of [[1280, 800], [390, 844]] as const) {
      for (const theme of ["light", "dark"] as const) {
        await tab.view(width, height, theme)
        const picture = await tab.screenshot()
        if (pictures !== undefined) Fs.writeFileSync(Path.join(pictures, `${width}-${theme}.png`), picture)
        expect(picture.length).toBeGreaterThan(20_000)
        expect(await tab.evaluate("document.documentElement.scrollWidth")).toBe(width)
        expect(await tab.evaluate("document.querySelectorAll('#drawing .arrow').length")).toBeGreaterThan(3)
        const [least, where] = await tab.evaluate(contrast) as [number, string]
        expect(least, `contrast of ${where} in ${theme}`).toBeGreaterThanOrEqual(4.5)
      }
    }

    // Ten thousand records are as quick: only those in view are drawn.
    const many = Array.from({ length: 10_000 }, (_, index): Trace.Record => {
      const each = trace.records[index % trace.records.length]!
      return { ...each, at: index * 500, ...("arrival" in each && { arrival: index * 500 + 1000 }) }
    })
    await tab.view(1280, 800, "light")
    await tab.open(write("many", { records: many, dropped: 0, hosts: trace.hosts, hash: trace.hash }))
    const last = many.findLastIndex((record) => record._tag === "Note" && record.kind === "failure")
    expect(await tab.evaluate(text("position"))).toBe(`record ${last + 1} of 10000`)
    await tab.press("Home")
    expect(await tab.evaluate("document.querySelectorAll('.row').length")).toBeLessThan(80)
    const step = "document.dispatchEvent(new KeyboardEvent('keydown', { key: 'PageDown' }))"
    await tab.evaluate(`for (let count = 0; count < 100; count++) ${step}`)
    expect(await tab.evaluate("Number(document.getElementById('scrubber').value)")).toBe(1000)
    expect(await tab.evaluate("document.querySelectorAll('.row').length")).toBeLessThan(80)

    expect(tab.console).toEqual([])
    expect(new Set(tab.requests.map((url) => new URL(url).protocol))).toEqual(new Set(["file:"]))
    expect(tab.requests).toHaveLength(2)
  })
})
