/** Values as JSON, nested to any depth. */
import type { Json } from "./json.ts"

/** How deep a value is checked by recursion; a stack has room for far more. */
const recursionDepth = 500

/** Values that are nested deeper, still to be checked. */
const deeper: Array<unknown> = []

/** Whether the value would not come back from JSON as it is. */
export const isLost = (value: unknown): boolean => {
  let lost = isLostWithin(value, recursionDepth)
  while (!lost && deeper.length > 0) lost = isLostWithin(deeper.pop(), recursionDepth)
  deeper.length = 0
  return lost
}

const isLostWithin = (value: unknown, depth: number): boolean => {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return false
  if (typeof value === "number") return !Number.isFinite(value) || Object.is(value, -0)
  if (typeof value !== "object") return true
  if (depth === 0) {
    deeper.push(value)
    return false
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (isLostWithin(value[i], depth - 1)) return true
    return false
  }
  if (!isPlain(value)) return true
  for (const key in value) {
    const item = value[key as keyof typeof value] as unknown
    if (item !== undefined && isLostWithin(item, depth - 1)) return true
  }
  return false
}

/** Whether an object is a record of properties and no more. Instances of a user's classes are, unless they have a `toJSON`. */
const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ||
    (Object.prototype.toString.call(value) === "[object Object]" && !("toJSON" in value))
}

/** A container whose items are being written. */
interface Open {
  readonly value: object
  readonly items: Iterator<readonly [prefix: string, item: Json]>
  readonly end: "]" | "}"
  isEmpty: boolean
}

/** The text that `JSON.stringify` gives, without recursion. Throws if the value contains itself. */
export const stringifyDeep = (value: Json): string => {
  const open: Array<Open> = []
  const values = new Set<object>()
  let text = ""
  const write = (item: Json): void => {
    if (typeof item !== "object" || item === null) {
      text += JSON.stringify(item)
      return
    }
    if (values.has(item)) throw new TypeError("it contains itself")
    values.add(item)
    const isArray = Array.isArray(item)
    text += isArray ? "[" : "{"
    open.push({
      value: item,
      items: isArray ? elements(item) : properties(item),
      end: isArray ? "]" : "}",
      isEmpty: true
    })
  }
  write(value)
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const next = top.items.next()
    if (next.done) {
      text += top.end
      values.delete(top.value)
      open.pop()
      continue
    }
    const [prefix, item] = next.value
    text += top.isEmpty ? prefix : `,${prefix}`
    top.isEmpty = false
    write(item)
  }
  return text
}

function* elements(array: ReadonlyArray<Json>): Generator<readonly [string, Json]> {
  for (const item of array) yield ["", item]
}

function* properties(record: object): Generator<readonly [string, Json]> {
  for (const [key, item] of Object.entries(record) as ReadonlyArray<[string, Json | undefined]>) {
    if (item !== undefined) yield [`${JSON.stringify(key)}:`, item]
  }
}
