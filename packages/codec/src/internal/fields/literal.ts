import { type CodecValue, make } from "../machine/codec.ts"
import type { Cursor } from "../machine/cursor.ts"
import { show } from "./digits.ts"

const encoder = new TextEncoder()

/** Text, or bytes by themselves. */
export type Marker = string | Uint8Array

export const markerBytes = (marker: Marker): Uint8Array => typeof marker === "string" ? encoder.encode(marker) : marker

export const showMarker = (marker: Marker): string =>
  typeof marker === "string"
    ? JSON.stringify(marker)
    : `0x${Array.from(marker, (byte) => byte.toString(16).padStart(2, "0")).join("")}`

/** How many bytes of a marker stand at a place, up to the end of what there is. */
export const matched = (c: Cursor, at: number, marker: Uint8Array): number => {
  const { bytes, end } = c
  const most = Math.min(marker.length, end - at)
  let i = 0
  while (i < most && bytes[at + i] === marker[i]) i++
  return i
}

/** Bytes that are always the same. The first of the forms is written; any is read. */
export const literal = (forms: readonly [Marker, ...ReadonlyArray<Marker>]): CodecValue<void> => {
  const all = forms.map(markerBytes)
  const lengths = all.map((form) => form.length)
  const first = all[0]!
  return make<void>({
    kind: forms.map(showMarker).join(" or "),
    least: Math.min(...lengths),
    most: Math.max(...lengths),
    measure: () => first.length,
    atomic: true,
    hidden: true,
    problem: lengths.includes(0) ? "a literal has at least one byte" : undefined,
    read: (c) => {
      const { at, bytes } = c
      if (c.end - at >= first.length) {
        let i = 0
        while (i < first.length && bytes[at + i] === first[i]) i++
        if (i === first.length) {
          c.at = at + i
          return undefined
        }
      }
      let needed = 0
      for (const form of all) {
        const n = matched(c, at, form)
        if (n === form.length) {
          c.at = at + n
          return undefined
        }
        // Whatever comes, it can still be this form.
        if (at + n === c.end) needed = needed === 0 ? form.length : Math.min(needed, form.length)
      }
      if (needed > 0) return c.short(needed)
      const n = matched(c, at, first)
      return c.fail(`expected ${forms.map(showMarker).join(" or ")}, but found ${show(c.bytes[at + n]!)}`, at + n)
    },
    write: (_, writer) => writer.payload(first),
    sample: () => undefined
  })
}

/** Bytes that mean nothing: zeros are written, anything is read. */
export const padding = (count: number, problem: string | undefined): CodecValue<void> =>
  make<void>({
    kind: "padding",
    least: count,
    most: count,
    atomic: true,
    hidden: true,
    problem,
    read: (c) => {
      if (c.end - c.at < count) return c.short(count)
      c.at += count
      return undefined
    },
    write: (_, writer) => {
      const at = writer.room(count)
      writer.bytes.fill(0, at, at + count)
    },
    sample: () => undefined
  })
