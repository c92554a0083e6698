import { type CodecValue, derive } from "../machine/codec.ts"
import { type Cursor, stop } from "../machine/cursor.ts"
import { type Marker, markerBytes, matched, showMarker } from "./literal.ts"
import { inRange } from "./range.ts"

export interface DelimitedOptions {
  readonly keep: boolean
  readonly limit: number
}

/** Up to this length a loop is faster than `indexOf` on a view. */
const loopLength = 32

/** What stands before the first of the delimiters, which is consumed unless it is kept. */
export const delimited = <A>(
  delimiters: ReadonlyArray<Marker>,
  content: CodecValue<A>,
  { keep, limit }: DelimitedOptions
): CodecValue<A> => {
  const markers = delimiters.map(markerBytes)
  const written = markers[0] ?? new Uint8Array(0)
  const firsts = firstsOf(markers)
  const find = finder(markers, firsts)
  return derive<A>(content, {
    kind: `${content.kind}, ${keep ? "up to" : "then"} ${delimiters.map(showMarker).join(" or ")}`,
    least: content.least + (keep ? 0 : Math.min(...markers.map((marker) => marker.length))),
    most: Math.min(content.most, limit) + (keep ? 0 : Math.max(...markers.map((marker) => marker.length))),
    atomic: false,
    greedy: false,
    problem: content.problem ??
      (markers.length === 0 || markers.some((marker) => marker.length === 0)
        ? "a delimiter has at least one byte"
        : undefined),
    measure: content.measure === undefined
      ? undefined
      : (value) => content.measure!(value) + (keep ? 0 : written.length),
    read: (c) => {
      const from = c.at
      // A read that resumes knows how far the delimiter has been sought.
      const sought = c.saved.length > 0 ? c.saved.pop() as number : 0
      let found = find(c, from + sought, from + limit)
      // The end of a range ends what would leave its delimiter there.
      const isLast = found < 0 && keep && c.bounded && c.end - from <= limit
      if (isLast) found = c.end
      if (found < 0) {
        const seen = -found - 1 - from
        if (seen > limit) return c.exceed(seen, limit, from)
        if (c.short(c.end - from + 1) === stop && c.problem === undefined) c.saved.push(seen)
        else if (c.bounded && c.problem?._tag === "Corrupt") {
          return c.fail(`${delimiters.map(showMarker).join(" or ")} is missing`, c.end)
        }
        return stop
      }
      const value = inRange(c, found - from, content.read)
      if (value === stop) return stop
      if (!keep) c.at = found + lengthAt(c, found, markers)
      return value
    },
    write: (value, writer) => {
      const from = writer.position
      const length = writer.enclose(content.write, value)
      if (length > limit) return writer.exceed(length, limit)
      if (writer.problem !== undefined) return
      // With the delimiter behind it, so that one that begins in the content is found too.
      if (!keep) writer.payload(written)
      const begin = writer.indexOf(from)
      const first = begin >= 0 && length <= loopLength
        ? firstNear(writer.bytes, begin, writer.at, markers, firsts)
        : firstOf(writer.range(from, writer.position), markers)
      if (first >= 0 && first < length) {
        writer.fail(`it contains its delimiter ${delimiters.map(showMarker).join(" or ")}`)
      }
    },
    sample: (random) => content.sample(random)
  })
}

/** 1 for each byte with which a marker begins, and 0 for all others. */
const firstsOf = (markers: ReadonlyArray<Uint8Array>): Uint8Array => {
  const firsts = new Uint8Array(256)
  for (const marker of markers) if (marker.length > 0) firsts[marker[0]!] = 1
  return firsts
}

const lengthAt = (c: Cursor, at: number, markers: ReadonlyArray<Uint8Array>): number =>
  markers.find((marker) => matched(c, at, marker) === marker.length)!.length

/** The offset of the first marker from `from`, or -1. For short content, this costs less than a view of the bytes. */
const firstNear = (
  bytes: Uint8Array,
  from: number,
  end: number,
  markers: ReadonlyArray<Uint8Array>,
  firsts: Uint8Array
): number => {
  for (let at = from; at < end; at++) {
    if (firsts[bytes[at]!] === 0) continue
    for (let m = 0; m < markers.length; m++) {
      const marker = markers[m]!
      let i = 0
      while (i < marker.length && at + i < end && bytes[at + i] === marker[i]) i++
      if (i === marker.length) return at - from
    }
  }
  return -1
}

/** Where the first of the markers stands, or -1. */
const firstOf = (bytes: Uint8Array, markers: ReadonlyArray<Uint8Array>): number => {
  let first = -1
  for (const marker of markers) {
    for (let at = bytes.indexOf(marker[0]!); at >= 0; at = bytes.indexOf(marker[0]!, at + 1)) {
      let i = 1
      while (i < marker.length && bytes[at + i] === marker[i]) i++
      if (i < marker.length) continue
      if (first < 0 || at < first) first = at
      break
    }
  }
  return first
}

/**
 * Finds the first delimiter from a place on, which begins no later than `last`. Returns its place; or, if there is none,
 * one less than the negative of the first place where one may still begin.
 */
const finder = (
  markers: ReadonlyArray<Uint8Array>,
  firsts: Uint8Array
): (c: Cursor, from: number, last: number) => number => {
  const [marker] = markers
  if (markers.length === 1 && marker !== undefined) {
    const first = marker[0]!
    return (c, from, last) => {
      const { end } = c
      const beyond = Math.min(end, last + 1)
      for (let at = from; at < beyond; at++) {
        at = indexOfByte(c, first, at, beyond)
        if (at < 0) break
        const n = matched(c, at, marker)
        if (n === marker.length) return at
        if (at + n === end) return -at - 1
      }
      return -Math.max(from, beyond) - 1
    }
  }
  return (c, from, last) => {
    const { bytes, end } = c
    const beyond = Math.min(end, last + 1)
    let at = from
    for (; at < beyond; at++) {
      if (firsts[bytes[at]!] === 0) continue
      let open = false
      for (const marker of markers) {
        const n = matched(c, at, marker)
        if (n === marker.length) {
          c.steps += at - from
          return at
        }
        open ||= at + n === end
      }
      if (open) break
    }
    c.steps += at - from
    return -at - 1
  }
}

const indexOfByte = (c: Cursor, byte: number, from: number, end: number): number => {
  const { bytes } = c
  const near = Math.min(end, from + loopLength)
  for (let i = from; i < near; i++) {
    if (bytes[i] === byte) {
      c.steps += i - from
      return i
    }
  }
  c.steps += end - from
  if (near === end) return -1
  const found = c.view(near, end - near).indexOf(byte)
  return found < 0 ? -1 : near + found
}
