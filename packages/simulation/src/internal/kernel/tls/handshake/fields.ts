/** Thrown for a value that is not what it should be; the message says which. */
export class Malformed {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

/** The fields of a JSON object from outside: each is what it should be, or `Malformed` is thrown. */
export class Fields {
  readonly #values: Record<string, unknown>

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Malformed("it is not an object")
    this.#values = value as Record<string, unknown>
  }

  #own(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
  }

  text(name: string): string {
    const value = this.#own(name)
    if (typeof value === "string" && value.length <= textLimit) return value
    throw new Malformed(`${name} is not a text of at most ${textLimit} characters`)
  }

  optionalText(name: string): string | undefined {
    return this.#own(name) === undefined ? undefined : this.text(name)
  }

  list<A>(name: string, parse: (value: unknown) => A): ReadonlyArray<A> {
    const value = this.#own(name)
    if (Array.isArray(value) && value.length <= listLimit) return value.map(parse)
    throw new Malformed(`${name} is not a list of at most ${listLimit}`)
  }

  texts(name: string): ReadonlyArray<string> {
    return this.list(name, (value) => new Fields({ [name]: value }).text(name))
  }

  /** A whole number. */
  number(name: string): number {
    const value = this.#own(name)
    if (Number.isSafeInteger(value)) return value as number
    throw new Malformed(`${name} is not a whole number`)
  }

  flag(name: string): boolean {
    const value = this.#own(name)
    if (typeof value === "boolean") return value
    throw new Malformed(`${name} is neither true nor false`)
  }
}

const textLimit = 1024
const listLimit = 256

/** What JSON says; throws `Malformed`. */
export const parseJson = (text: string): Fields => {
  try {
    return new Fields(JSON.parse(text))
  } catch (error) {
    throw error instanceof Malformed ? error : new Malformed("it is not JSON")
  }
}
