/** The packages that people use, each driven as its documentation has it. */
import * as frameStream from "frame-stream"
import * as itLengthPrefixed from "it-length-prefixed"
import type { Duplex } from "node:stream"
// @ts-expect-error has no types
import lengthPrefixedStream from "length-prefixed-stream"
// @ts-expect-error has no types
import split2 from "split2"
import type { OnFrame } from "./byHand.ts"

/** Writes everything to a stream, and waits until all has come out. */
const through = <Item, Frame>(stream: Duplex, items: ReadonlyArray<Item>, onFrame: OnFrame<Frame>): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.on("data", onFrame).on("end", resolve).on("error", reject)
    let next = 0
    const write = (): void => {
      while (next < items.length) {
        if (!stream.write(items[next++])) {
          stream.once("drain", write)
          return
        }
      }
      stream.end()
    }
    write()
  })

/** Uint8ArrayLists are made into arrays: until then no frame has been had. */
const iterate = <Frame>(source: Iterable<Frame>, onFrame: OnFrame<Frame>): Promise<void> => {
  for (const frame of source) onFrame(frame)
  return Promise.resolve()
}

type Run<Item, Frame> = (items: ReadonlyArray<Item>, onFrame: OnFrame<Frame>) => Promise<void>

export const decoders = {
  uint32: {
    "frame-stream": ((chunks, onFrame) => through(frameStream.decode(), chunks, onFrame)) as Run<Uint8Array, Uint8Array>
  },
  varint: {
    "length-prefixed-stream": ((chunks, onFrame) => through(lengthPrefixedStream.decode(), chunks, onFrame)) as Run<
      Uint8Array,
      Uint8Array
    >,
    "it-length-prefixed":
      ((chunks, onFrame) => iterate(itLengthPrefixed.decode(chunks), (list) => onFrame(list.subarray()))) as Run<
        Uint8Array,
        Uint8Array
      >
  },
  lines: { "split2": ((chunks, onFrame) => through(split2(), chunks, onFrame)) as Run<Uint8Array, string> }
}

export const encoders = {
  uint32: {
    "frame-stream": ((frames, onFrame) => through(frameStream.encode(), frames, onFrame)) as Run<Uint8Array, Uint8Array>
  },
  varint: {
    "length-prefixed-stream": ((frames, onFrame) => through(lengthPrefixedStream.encode(), frames, onFrame)) as Run<
      Uint8Array,
      Uint8Array
    >,
    "it-length-prefixed": ((frames, onFrame) => iterate(itLengthPrefixed.encode(frames), onFrame)) as Run<
      Uint8Array,
      Uint8Array
    >
  },
  lines: {}
}
