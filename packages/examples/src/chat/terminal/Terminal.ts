/** The terminal that the program runs in, in raw mode: keys come as they are pressed, and nothing is echoed. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { writeSync } from "node:fs"
import * as standardStreams from "../../cli/standardStreams.ts"
import * as Keys from "./Keys.ts"

/** Whether there is one, both to read from and to write to. */
export const isThere = (): boolean => process.stdin.isTTY && process.stdout.isTTY

const pasteOn = "\x1b[?2004h"
const pasteOff = "\x1b[?2004l"

/** Puts the terminal into raw mode for as long as the Scope is open, and back on every way out, `process.exit` included. */
export const raw = Effect.acquireRelease(
  Effect.sync(() => {
    const restore = () => {
      process.removeListener("exit", restore)
      process.stdin.setRawMode(false)
      // What is written asynchronously is lost when the process ends.
      writeSync(process.stdout.fd, pasteOff)
    }
    process.on("exit", restore)
    process.stdin.setRawMode(true)
    process.stdout.write(pasteOn)
    return restore
  }),
  (restore) => Effect.sync(restore)
)

/** The keys that are pressed, those that come together at once. */
export const keys: Stream.Stream<ReadonlyArray<Keys.Key>, standardStreams.InputFailed> = Stream.suspend(() => {
  const decoder = new TextDecoder()
  const reader = new Keys.Reader()
  return Stream.map(standardStreams.input, (bytes) => reader.feed(decoder.decode(bytes, { stream: true })))
})

/** Something each time when the size has changed. */
export const resized: Stream.Stream<void> = Stream.callback<void>((queue) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const onResize = () => Queue.offerUnsafe(queue, undefined)
      process.stdout.on("resize", onResize)
      return onResize
    }),
    (onResize) => Effect.sync(() => process.stdout.removeListener("resize", onResize))
  ), { bufferSize: 1, strategy: "sliding" })

/** How wide it is. */
export const columns = (): number => Math.max(20, process.stdout.columns || 80)

/** Writes to it. */
export const write = (text: string): Effect.Effect<void> =>
  text === "" ? Effect.void : Effect.sync(() => void process.stdout.write(text))
