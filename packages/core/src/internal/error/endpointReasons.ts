import * as Data from "effect/Data"

/**
 * The process inherited no such listening socket. `found` are those that it did inherit.
 *
 * @category reasons
 * @since 0.1.0
 */
export class NoInheritedSocket
  extends Data.TaggedClass("NoInheritedSocket")<{ readonly found: ReadonlyArray<string> }>
{
  readonly message: string = "no such listening socket was inherited; there " +
    (this.found.length === 0 ? "is none" : `are ${this.found.join(", ")}`)
  readonly advice = "start the program by its socket unit, or give a fallback with Endpoint.inherited"
}

/**
 * An invalid endpoint: `part` is the part of `input` that is wrong, `expected` says what would be right.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidEndpoint extends Data.TaggedClass("InvalidEndpoint")<{
  readonly input: string
  readonly part: "endpoint" | "scheme" | "host" | "port" | "path" | "descriptor" | "name"
  readonly expected: string
}> {
  readonly message: string = `invalid ${this.part} in "${this.input}"`
  readonly advice: string = `use ${this.expected}`
}
