/**
 * The console of the programs: what they say and log does not stop them. Without a reader, standard output and standard
 * error are given up; a reader that stalls costs a bounded amount of memory, and the lines that it misses are counted.
 */
import type { Writable } from "node:stream"
import { formatWithOptions } from "node:util"

/** Bytes that may wait for the reader of one stream. */
const mostWaiting = 1024 * 1024

/** Writes lines to a stream for as long as it is read. */
export class Lines {
  readonly #stream: Writable & { readonly isTTY?: boolean }
  #isGone = false
  #dropped = 0

  constructor(stream: Writable) {
    this.#stream = stream
    // EPIPE, mostly: nobody reads any more.
    stream.on("error", () => {
      this.#isGone = true
    })
    stream.on("drain", () => this.#report())
  }

  write(...values: ReadonlyArray<unknown>): void {
    if (this.#isGone) return
    if (this.#stream.writableLength > mostWaiting) this.#dropped++
    else this.#stream.write(`${formatWithOptions({ colors: this.#stream.isTTY === true }, ...values)}\n`)
  }

  #report(): void {
    if (this.#dropped === 0) return
    const dropped = this.#dropped
    this.#dropped = 0
    this.write(`… ${dropped} lines were dropped, because nobody read them`)
  }
}

/** Makes a console of two streams. All but log lines and errors is as before. */
export const make = (output: Writable, error: Writable): Console => {
  const [out, err] = [output, error].map((stream) => new Lines(stream)) as [Lines, Lines]
  const log = (...values: ReadonlyArray<unknown>) => out.write(...values)
  const warn = (...values: ReadonlyArray<unknown>) => err.write(...values)
  return Object.assign(Object.create(globalThis.console), {
    log,
    info: log,
    debug: log,
    error: warn,
    warn,
    trace: warn
  })
}
