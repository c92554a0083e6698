/** Users and their passwords, of which only digests are kept. */
import { createHash, timingSafeEqual } from "node:crypto"

const digest = (password: string | Uint8Array): Buffer => createHash("sha256").update(password).digest()

const none = digest("")

export class Credentials {
  readonly #digests: ReadonlyMap<string, Buffer>

  constructor(users: Iterable<readonly [name: string, password: string]>) {
    this.#digests = new Map(Array.from(users, ([name, password]) => [name, digest(password)]))
  }

  /** Whether this is the password of a user. The time it takes does not reveal where a password differs, nor its length. */
  accept(name = "", password: string | Uint8Array = ""): boolean {
    const expected = this.#digests.get(name)
    const isEqual = timingSafeEqual(expected ?? none, digest(password))
    return expected !== undefined && isEqual
  }
}
