// One of the clients: `client.ts NAME PORT`. For each line `COMMAND SECONDS` it prints how many commands 64 callers get done,
// each of which sends its next command when it has its answer.
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import { createRequire } from "node:module"
import { createInterface } from "node:readline"
import * as RedisClient from "../../../src/redis/client/RedisClient.ts"

const [name, port] = process.argv.slice(2)
const callers = 64
const value = "x".repeat(64)

interface Library {
  readonly set: (key: string, value: string) => Promise<unknown>
  readonly get: (key: string) => Promise<string | null>
}

/** How many thousand commands a second were done, and what one cost in microseconds of CPU. */
interface Measured {
  readonly rate: number
  readonly cpu: number
}

/** Runs callers until the time is over. */
type Measure = (command: string, seconds: number) => Promise<Measured>

/** What is done before it counts, as a share of the time. */
const warmup = 1 / 3

const measured = async (
  seconds: number,
  run: (isOver: () => boolean, count: () => void) => Promise<unknown>
): Promise<Measured> => {
  const begin = performance.now() + seconds * warmup * 1000
  const end = begin + seconds * 1000
  let usage = process.cpuUsage()
  let counted = 0
  await run(() => performance.now() >= end, () => {
    if (performance.now() < begin) usage = process.cpuUsage()
    else counted++
  })
  const { system, user } = process.cpuUsage(usage)
  return { rate: counted / seconds / 1000, cpu: (user + system) / counted }
}

const check = (answer: unknown) => {
  if (answer !== value) throw new Error(`${name} got a wrong answer: ${String(answer)}`)
}

const ofLibrary = (library: Library): Measure => (command, seconds) =>
  measured(seconds, (isOver, count) =>
    Promise.all(Array.from({ length: callers }, async (_, i) => {
      await library.set(`key:${i}`, value)
      while (!isOver()) {
        if (command === "SET") await library.set(`key:${i}`, value)
        else check(await library.get(`key:${i}`))
        count()
      }
    })))

const ofSluice = (): Measure => (command, seconds) =>
  measured(seconds, (isOver, count) =>
    Effect.runPromise(
      Effect.gen(function*() {
        const { send } = yield* RedisClient.RedisClient
        const caller = (i: number) =>
          Effect.gen(function*() {
            yield* send("SET", `key:${i}`, value)
            while (!isOver()) {
              if (command === "SET") yield* send("SET", `key:${i}`, value)
              else check(yield* send("GET", `key:${i}`))
              count()
            }
          })
        yield* Effect.forEach(Array.from({ length: callers }, (_, i) => i), caller, {
          concurrency: "unbounded",
          discard: true
        })
      }).pipe(
        Effect.provide(RedisClient.layer({ endpoint: `tcp://127.0.0.1:${port}` })),
        Effect.provide(NodeNetwork.layer)
      )
    ))

const measure = await (async (): Promise<Measure> => {
  if (name === "Sluice") return ofSluice()
  // They are installed beside the benchmark, and their types are not.
  const load = createRequire(new URL("../../libraries/package.json", import.meta.url))
  if (name === "ioredis") {
    const { Redis } = load("ioredis") as { readonly Redis: new(port: number) => Library }
    return ofLibrary(new Redis(Number(port)))
  }
  const { createClient } = load("redis") as {
    readonly createClient: (options: { readonly url: string }) => { readonly connect: () => Promise<Library> }
  }
  return ofLibrary(await createClient({ url: `redis://127.0.0.1:${port}` }).connect())
})()

process.on("disconnect", () => process.exit())
for await (const line of createInterface({ input: process.stdin })) {
  const [command = "", seconds] = line.split(" ")
  process.stdout.write(`${JSON.stringify(await measure(command, Number(seconds)))}\n`)
}
