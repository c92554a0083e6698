/** Who is called what. A name belongs to one member at a time, however its letters are cased. */
import * as Schema from "effect/Schema"
import * as Name from "../protocol/Name.ts"
import type { Member } from "./Member.ts"

const nameOf = Schema.decodeSync(Name.Name)

export class Names {
  readonly #members = new Map<string, Member | undefined>()
  #guests = 0

  /** How many there are. */
  get size(): number {
    return this.#members.size
  }

  /** A name for somebody who has not said theirs; it is taken from now on. */
  guest(): Name.Name {
    do this.#guests++
    while (this.#members.has(`guest${this.#guests}`))
    this.#members.set(`guest${this.#guests}`, undefined)
    return nameOf(`guest${this.#guests}`)
  }

  /** Notes who has a name that is taken already. */
  assign(member: Member): void {
    this.#members.set(Name.fold(member.name), member)
  }

  /** Gives a member another name; `false`: somebody else has it. */
  rename(member: Member, name: Name.Name): boolean {
    const key = Name.fold(name)
    if (this.#members.has(key) && this.#members.get(key) !== member) return false
    this.release(member.name)
    member.name = name
    this.assign(member)
    return true
  }

  find(name: string): Member | undefined {
    return this.#members.get(Name.fold(name))
  }

  release(name: string): void {
    this.#members.delete(Name.fold(name))
  }
}
