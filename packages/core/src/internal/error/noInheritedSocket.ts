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
  get message(): string {
    return `no such listening socket was inherited; there ${
      this.found.length === 0 ? "is none" : `are ${this.found.join(", ")}`
    }`
  }
  readonly advice = "start the program by its socket unit, or give a fallback with Endpoint.inherited"
}
