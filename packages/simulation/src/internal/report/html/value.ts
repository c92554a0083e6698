import * as SafeText from "@sluice/framing/SafeText"

const depthLimit = 4
const itemLimit = 12

// What a message is called by, where it is an object.
const names = ["_tag", "type", "kind", "op", "method", "name", "f"]

/** A value on one line, by its name if it has one: `Append {term: 3, entries: [2 items]}`. */
export const describeValue = (value: unknown, limit = 300): string => SafeText.escape(describe(value, 0), { limit })

const describe = (value: unknown, depth: number): string => {
  if (typeof value === "string") return JSON.stringify(value.length > 200 ? `${value.slice(0, 200)}…` : value)
  if (typeof value === "function") return "function"
  if (typeof value !== "object" || value === null) return String(value)
  if (value instanceof Uint8Array) return describeBytes(value)
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (Array.isArray(value)) {
    if (depth >= depthLimit) return `[${value.length} items]`
    const items = value.slice(0, itemLimit).map((each) => describe(each, depth + 1))
    return `[${items.join(", ")}${value.length > itemLimit ? `, … ${value.length} in all` : ""}]`
  }
  if (value instanceof Map) return `Map ${describe([...value].slice(0, itemLimit + 1), depth)}`
  if (value instanceof Set) return `Set ${describe([...value].slice(0, itemLimit + 1), depth)}`
  const fields = value as Readonly<Record<string, unknown>>
  const name = names.find((each) => typeof fields[each] === "string")
  const title = name === undefined ? "" : String(fields[name])
  const keys = Object.keys(fields).filter((key) => key !== name)
  if (keys.length === 0) return title || "{}"
  if (depth >= depthLimit) return title || "{…}"
  const parts = keys.slice(0, itemLimit).map((key) => `${key}: ${describe(fields[key], depth + 1)}`)
  return `${title && `${title} `}{${parts.join(", ")}${keys.length > itemLimit ? ", …" : ""}}`
}

const shownBytes = 48

/** Bytes as quoted text where they are plain, or in hexadecimal. */
export const describeBytes = (bytes: Uint8Array): string => {
  const shown = bytes.subarray(0, shownBytes)
  const rest = bytes.length > shownBytes ? "…" : ""
  const isPlain = shown.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13)
  return isPlain
    ? JSON.stringify(String.fromCharCode(...shown)) + rest
    : Array.from(shown, (byte) => byte.toString(16).padStart(2, "0")).join(" ") + rest
}
