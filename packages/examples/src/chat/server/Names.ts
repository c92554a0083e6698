/** Who has which name. A name belongs to one member at a time, and so do all names that look like it. */
import * as Schema from "effect/Schema"
import * as Name from "../protocol/Name.ts"
import * as Lookalike from "./Lookalike.ts"
import type { Member } from "./Member.ts"

const nameOf = Schema.decodeSync(Name.Name)

export class Names {
  // By the keys of names: a guest's are taken before the guest is a member.
  readonly #holders = new Map<string, Member | undefined>()
  readonly #tag: string
  #guests = 0
  #size = 0

  /** `tag`: a part of the names of guests. */
  constructor(tag = "") {
    this.#tag = tag
  }

  /** The number of names taken. */
  get size(): number {
    return this.#size
  }

  /** A free name for a guest, taken from now on. */
  guest(): Name.Name {
    let name: Name.Name
    do name = nameOf(`guest${this.#tag}${++this.#guests}`)
    while (Lookalike.keys(name).some((key) => this.#holders.has(key)))
    this.#take(name, undefined)
    return name
  }

  /** Records the member who has a name that is taken already. */
  assign(member: Member): void {
    for (const key of Lookalike.keys(member.name)) this.#holders.set(key, member)
  }

  /** Whether another member has a name, or one that looks like it. */
  isTaken(member: Member, name: Name.Name): boolean {
    return Lookalike.keys(name).some((key) => this.#holders.has(key) && this.#holders.get(key) !== member)
  }

  /** Renames a member; `false` if another member has the name, or one that looks like it. */
  rename(member: Member, name: Name.Name): boolean {
    if (this.isTaken(member, name)) return false
    this.release(member.name)
    member.name = name
    this.#take(name, member)
    return true
  }

  /** Takes the name of a member away. The member becomes a guest. */
  demote(member: Member): void {
    const name = this.guest()
    this.release(member.name)
    member.name = name
    this.assign(member)
  }

  /** All members. */
  get members(): Iterable<Member> {
    return new Set(Array.from(this.#holders.values()).filter((member) => member !== undefined))
  }

  /** The member whose name has a key. */
  holder(key: string): Member | undefined {
    return this.#holders.get(key)
  }

  find(name: string): Member | undefined {
    for (const key of Lookalike.keys(name)) {
      const member = this.#holders.get(key)
      if (member !== undefined && Name.fold(member.name) === Name.fold(name)) return member
    }
    return undefined
  }

  release(name: string): void {
    for (const key of Lookalike.keys(name)) this.#holders.delete(key)
    this.#size--
  }

  #take(name: string, member: Member | undefined): void {
    for (const key of Lookalike.keys(name)) this.#holders.set(key, member)
    this.#size++
  }
}
