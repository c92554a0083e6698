/** Rooms on three runners over PostgreSQL, one of which is killed. */
import { describe, expect, it } from "@effect/vitest"
import { freePort } from "../../node/test/fixtures/freePort.ts"
import { hasPostgres, startPostgres } from "./postgres.ts"
import { connect, type Program, start, stop } from "./program.ts"

interface Runner extends Program {
  readonly port: number
  /** Everything on standard error. */
  readonly logged: () => string
}

const startRunner = async (postgres: string): Promise<Runner> => {
  const program = start(`rooms runner --port 0 --runner-port ${await freePort()} --postgres ${postgres} --drain 1s`)
  let logged = ""
  program.child.stderr.on("data", (chunk: Buffer) => {
    logged += chunk.toString()
  })
  const [, port] = await program.says(/^Server listening on .*:(\d+)$/m)
  return { ...program, port: Number(port), logged: () => logged }
}

/** Enters the lobby. `heard` waits for this number of lines, and returns all. */
const enter = async (runner: Runner, name: string) => {
  const socket = await connect({ port: runner.port, host: "127.0.0.1" })
  let text = ""
  const lines = () => text.split("\n").slice(0, -1)
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString()
  })
  socket.write(`${name} lobby\n`)
  return {
    say: (line: string) => void socket.write(`${line}\n`),
    heard: (count: number) =>
      new Promise<ReadonlyArray<string>>((resolve) => {
        const look = () => {
          if (lines().length < count) return
          socket.off("data", look)
          resolve(lines())
        }
        socket.on("data", look)
        look()
      })
  }
}

const openings = /^(\S+) INFO room lobby opens with (\d+) lines$/gm

/** When a runner last opened the lobby, and with how many lines. */
const opened = (runner: Runner) => {
  const last = Array.from(runner.logged().matchAll(openings)).at(-1)
  return { at: last?.[1] ?? "", lines: Number(last?.[2] ?? -1) }
}

describe.skipIf(!hasPostgres)("rooms", () => {
  it("keep their history when their runner is killed", async () => {
    const { url } = await startPostgres()
    // The first creates the tables.
    const first = await startRunner(url)
    const runners = [first, ...await Promise.all([startRunner(url), startRunner(url)])]
    const people = await Promise.all(runners.map((runner, index) => enter(runner, `person${index}`)))
    people.forEach(({ say }, index) => say(`hello from ${index}`))
    const before = await people[0]!.heard(3)
    expect(before.toSorted()).toEqual([0, 1, 2].map((index) => `<person${index}> hello from ${index}`))
    for (const { heard } of people) expect(await heard(3)).toEqual(before)

    const killed = runners.toSorted((a, b) => opened(a).at.localeCompare(opened(b).at)).at(-1)!
    killed.child.kill("SIGKILL")
    const staying = people.filter((_, index) => runners[index] !== killed)
    for (const number of [1, 2, 3]) for (const { say } of staying) say(`still here ${number}`)
    const after = await staying[0]!.heard(9)
    expect(after.slice(0, 3)).toEqual(before)
    expect(new Set(after).size).toBe(9)
    expect(await staying[1]!.heard(9)).toEqual(after)
    const alive = runners.filter((runner) => runner !== killed)
    expect(Math.max(...alive.map((runner) => opened(runner).lines))).toBeGreaterThanOrEqual(3)

    // A runner that is stopped in order hands over its rooms, too.
    const [one, other] = alive.toSorted((a, b) => opened(a).at.localeCompare(opened(b).at)).toReversed()
    expect((await stop(one!)).code).toBe(0)
    const late = await enter(other!, "late")
    expect(await late.heard(9)).toEqual(after)
    late.say("goodbye")
    expect((await late.heard(10)).at(-1)).toBe("<late> goodbye")
    expect((await stop(other!)).code).toBe(0)
  })
})
