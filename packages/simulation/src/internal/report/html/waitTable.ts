import * as SafeText from "@sluice/framing/SafeText"
import type * as Trace from "../../../Trace.ts"
import type { Actor, Waits } from "./browser/pageData.ts"

/** What fibers and sockets wait for, each text once. What was before the page begins is summed up. */
export class WaitTable {
  readonly #actors: Array<Actor> = []
  readonly #states: Array<string> = [""]
  readonly #indexes = new Map<string, number>()
  readonly #waits: ReadonlyArray<Trace.Wait>
  readonly #changes: Array<[row: number, actor: number, state: number]> = []

  /** `since` is in microseconds. */
  constructor(waits: ReadonlyArray<Trace.Wait>, since: number) {
    const before = new Map(waits.flatMap((wait) => wait.at < since ? [[wait.key, wait] as const] : []))
    this.#waits = [...before.values(), ...waits.filter(({ at }) => at >= since)]
  }

  /** To be asked in their order for what rows they come before. */
  get entries() {
    return this.#waits.map((wait) => ({
      at: wait.at,
      position: wait.position,
      make: (row: number): undefined => {
        const { host, key, kind, name, state = "" } = wait
        const actor = this.#index(this.#actors, `${key} ${name}`, { host: safe(host), key, kind, name: safe(name) })
        this.#changes.push([row, actor, state === "" ? 0 : this.#index(this.#states, `state ${state}`, safe(state))])
      }
    }))
  }

  get data(): Waits {
    return { actors: this.#actors, states: this.#states, changes: this.#changes }
  }

  #index<A>(table: Array<A>, key: string, value: A): number {
    const known = this.#indexes.get(key)
    if (known !== undefined) return known
    this.#indexes.set(key, table.length)
    return table.push(value) - 1
  }
}

const safe = (text: string): string => SafeText.escape(text, { limit: 400 })
