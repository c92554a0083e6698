import type { AnyCodec } from "../machine/codec.ts"
import { stop, type Visit } from "../machine/cursor.ts"
import { cursorOver, problemOf } from "./framing.ts"

/** The fields of the frames at the front of bytes, as far as they can be decoded. */
export const explain = (codec: AnyCodec, bytes: Uint8Array): ReadonlyArray<Visit> => {
  if (problemOf(codec) !== undefined) return []
  const c = cursorOver(bytes)
  const visits: Array<Visit> = c.visits = []
  while (c.at < c.end) {
    const { at } = c
    c.base = c.start = at
    c.names = codec.title === undefined ? [] : [codec.title]
    if (codec.read(c) === stop || c.at === at) break
  }
  return visits
}
