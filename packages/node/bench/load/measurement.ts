import { readdirSync, readFileSync } from "node:fs"

// Microseconds that the threads of the process SERVER_PID have run (proc(5)), or 0 where that is unknown.
const serverCpu = (): number => {
  const tasks = `/proc/${process.env["SERVER_PID"] ?? "none"}/task`
  try {
    return readdirSync(tasks)
      .map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "latin1").split(" ")[0]) / 1000)
      .reduce((sum, each) => sum + each, 0)
  } catch {
    return 0
  }
}

/** What a load generator in JavaScript counts after its warm-up, and the line of JSON that it prints. */
export class Measurement {
  readonly #begin: number
  readonly #end: number
  readonly #latencies: Array<number> = []
  #cpu = 0
  lost = 0
  errors = 0

  /** Both in seconds; `onEnd` is called when they are over. */
  constructor(warmup: number, seconds: number, onEnd: () => void) {
    this.#begin = performance.now() + warmup * 1000
    this.#end = this.#begin + seconds * 1000
    setTimeout(() => this.#cpu = serverCpu(), warmup * 1000)
    const endOnceAnswered = (): void => {
      if (this.#latencies.length > 0 || performance.now() > this.#end + 10_000) onEnd()
      else setTimeout(endOnceAnswered, 10)
    }
    setTimeout(endOnceAnswered, this.#end - performance.now())
  }

  get isCounting(): boolean {
    return performance.now() >= this.#begin
  }

  /** Counts an answer to what was sent at this time. */
  count(sentAt: number): void {
    const time = performance.now()
    if (time >= this.#begin) this.#latencies.push(time - sentAt)
  }

  print(): void {
    const sorted = Float64Array.from(this.#latencies).sort()
    const percentile = (share: number) => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 1000)
    process.stdout.write(`${
      JSON.stringify({
        seconds: (performance.now() - this.#begin) / 1000,
        count: sorted.length,
        cpu: serverCpu() - this.#cpu,
        p50: percentile(0.5),
        p99: percentile(0.99),
        lost: this.lost,
        errors: this.errors
      })
    }\n`)
  }
}

const maxPeriod = 65_521
const random = (() => {
  const bytes = Buffer.alloc(maxPeriod)
  for (let i = 0, x = 2463534242; i < maxPeriod; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    bytes[i] = x
  }
  return bytes
})()
let period = maxPeriod
let pattern = Buffer.concat([random, random, random])

/** Makes the pattern one of whole messages of this size: each behind 4 bytes of length, or a line. */
export const sendMessages = (format: "length" | "lines", size: number): void => {
  period = Math.floor(maxPeriod / size) * size
  const messages = Buffer.from(random.subarray(0, period))
  if (format === "lines") messages.forEach((byte, at) => messages[at] = 32 + byte % 95)
  for (let at = 0; at < period; at += size) {
    if (format === "length") messages.writeUInt32BE(size - 4, at)
    else messages[at + size - 1] = 10
  }
  pattern = Buffer.concat([messages, messages, messages])
}

/** The bytes from a position of the endless pattern that is sent: at most 64 KiB at once. */
export const patternAt = (position: number, length: number): Buffer =>
  pattern.subarray(position % period, position % period + length)

/** Whether these are the bytes from that position on. */
export const isPatternAt = (position: number, bytes: Buffer): boolean => {
  for (let at = 0; at < bytes.length; at += period) {
    const piece = bytes.subarray(at, at + period)
    if (!piece.equals(patternAt(position + at, piece.length))) return false
  }
  return true
}
