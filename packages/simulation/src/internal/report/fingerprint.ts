// What is looked at of a value.
const depthLimit = 6
const textLimit = 65_536

/** A text that is the same for values that look the same: by their contents, and by their class where they hide them. */
export const fingerprint = (value: unknown): string => {
  const seen = new Set<object>()
  let left = textLimit
  const write = (part: unknown, depth: number): string => {
    if (left <= 0) return "…"
    const text = describe(part, depth)
    left -= text.length
    return text
  }
  const describe = (part: unknown, depth: number): string => {
    if (typeof part === "string") return JSON.stringify(part)
    if (typeof part === "function") return "function"
    if (typeof part !== "object" || part === null) return String(part)
    if (depth > depthLimit || seen.has(part)) return "…"
    seen.add(part)
    const inner = (values: Iterable<unknown>) => Array.from(values, (each) => write(each, depth + 1)).join(",")
    if (ArrayBuffer.isView(part)) return `[${new Uint8Array(part.buffer, part.byteOffset, part.byteLength).join(",")}]`
    if (part instanceof Error) return `${part.name}(${part.message})${write({ ...part }, depth + 1)}`
    if (Array.isArray(part) || part instanceof Set) return `[${inner(part)}]`
    if (part instanceof Map) return `{${inner(part)}}`
    const prototype: unknown = Object.getPrototypeOf(part)
    const name = prototype === null || prototype === Object.prototype ? "" : part.constructor?.name ?? ""
    const keys = Object.keys(part).filter((key) => key !== "stack").sort()
    return `${name}{${
      keys.map((key) => `${key}:${write((part as Record<string, unknown>)[key], depth + 1)}`).join(",")
    }}`
  }
  return write(value, 0)
}
