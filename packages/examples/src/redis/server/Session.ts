/** What the server knows of one connection, and how it runs the commands that come over it. */
import type { Entry } from "./commands/table.ts"
import type { Keyspace } from "./Keyspace.ts"
import type { Kind, PubSub, Subscriber } from "./PubSub.ts"
import { error, nilArray, type Outcome, Refused, text } from "./Reply.ts"
import type { Script } from "./scripts/script.ts"
import { sizeOf } from "./StreamLog.ts"

/** What all connections share. */
export interface Shared {
  readonly commands: ReadonlyMap<string, Entry>
  readonly keyspace: Keyspace
  readonly pubSub: PubSub
  /** Milliseconds of the wall clock. */
  readonly wallMillis: () => number
  /** The scripts that have been loaded, by their digests. */
  readonly scripts: Map<string, Script>
  readonly startedAt: number
  readonly sessions: Set<Session>
}

/** Commands that run at once within a transaction. */
const immediate = new Set(["EXEC", "DISCARD", "MULTI", "QUIT", "RESET"])

/** Commands that RESP2 allows on a connection with subscriptions. */
const whileSubscribed = /^(P?(UN)?SUBSCRIBE|PING|QUIT|RESET)$/

const queued = text("QUEUED")

export const outOfMemory = "OOM command not allowed when used memory > 'maxmemory'."

export class Session implements Subscriber {
  readonly shared: Shared
  readonly keyspace: Keyspace
  readonly wallMillis: () => number
  readonly queue: Subscriber["queue"]
  readonly id: number
  readonly address: string
  protocol: 2 | 3 = 2
  name = ""
  /** The commands of a transaction, which wait for EXEC. */
  transaction: Array<ReadonlyArray<string>> | undefined = undefined
  /** Whether a command of the transaction was refused. */
  isSpoiled = false
  readonly channels = new Set<string>()
  readonly patterns = new Set<string>()

  constructor(shared: Shared, id: number, address: string, queue: Subscriber["queue"]) {
    this.shared = shared
    this.keyspace = shared.keyspace
    this.wallMillis = shared.wallMillis
    this.id = id
    this.address = address
    this.queue = queue
  }

  get subscriptions(): number {
    return this.channels.size + this.patterns.size
  }

  /** Runs a command, and then the commands that waited for its effect. */
  execute(words: ReadonlyArray<string>): Outcome {
    const outcome = this.#attempt(words)
    this.keyspace.serve()
    return outcome
  }

  /** Runs a command of a transaction or of a script, which waits for nothing. */
  run(words: ReadonlyArray<string>): Exclude<Outcome, { readonly _tag: "Blocked" | "Several" | "Close" }> {
    const outcome = this.#attempt(words)
    switch (outcome._tag) {
      case "Blocked":
        return nilArray
      case "Several":
        return outcome.replies.at(-1)!
      case "Close":
        return outcome.reply
      default:
        return outcome
    }
  }

  /** The command that words name, or why there is none. */
  #find(words: ReadonlyArray<string>): Entry | string {
    const { commands } = this.shared
    const word = words[0]!
    const command = commands.get(word) ?? commands.get(word.toUpperCase())
    if (command === undefined) {
      let beginning = ""
      for (let i = 1; i < words.length && beginning.length < 128; i++) {
        beginning += `'${words[i]!.slice(0, 128 - beginning.length)}' `
      }
      return `ERR unknown command '${word.slice(0, 128)}', with args beginning with: ${beginning}`
    }
    if (command.family.size === 0 || words.length === 1) return command
    const unknown = `ERR unknown subcommand '${words[1]!.slice(0, 128)}'. Try ${command.name} HELP.`
    return command.family.get(words[1]!.toUpperCase()) ?? unknown
  }

  #attempt(words: ReadonlyArray<string>): Outcome {
    const command = this.#find(words)
    if (typeof command === "string") {
      // A page in a browser on this machine could otherwise send commands in the body of a request.
      if (!/^(?:POST|HOST:)$/i.test(words[0]!)) return this.#refuse(words, command)
      return { _tag: "Close", reply: error("ERR Protocol error: HTTP request") }
    }
    const { arity, grows, handler, name } = command
    if (arity >= 0 ? words.length !== arity : words.length < -arity) {
      return this.#refuse(words, `ERR wrong number of arguments for '${name.toLowerCase()}' command`)
    }
    if (grows && this.keyspace.isFull) return this.#refuse(words, outOfMemory)
    if (this.protocol === 2 && this.subscriptions > 0 && !whileSubscribed.test(name)) {
      return this.#refuse(
        words,
        `ERR Can't execute '${name.toLowerCase()}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are ` +
          "allowed in this context"
      )
    }
    if (this.transaction !== undefined && !immediate.has(name)) {
      if (!this.hold(sizeOf(words))) return this.#refuse(words, outOfMemory)
      this.transaction.push(words)
      return queued
    }
    try {
      return handler(this, words)
    } catch (error) {
      if (error instanceof Refused) return error.reply
      throw error
    }
  }

  #refuse(words: ReadonlyArray<string>, text: string): Outcome {
    if (words[0]!.toUpperCase() === "EXEC") {
      this.discard()
      return error(`EXECABORT Transaction discarded because of: ${text.replace(/^ERR /, "")}`)
    }
    if (this.transaction !== undefined) this.isSpoiled = true
    return error(text)
  }

  /** Reserves memory for the connection. Returns whether there was enough. */
  hold(bytes: number): boolean {
    if (this.keyspace.held + bytes > this.keyspace.limits.maxMemory) return false
    this.keyspace.held += bytes
    return true
  }

  /** Forgets the transaction. */
  discard(): void {
    for (const words of this.transaction ?? []) this.keyspace.held -= sizeOf(words)
    this.transaction = undefined
    this.isSpoiled = false
  }

  /** Subscribes to a name, once. Returns whether there was memory for it. */
  join(kind: Kind, name: string): boolean {
    const names = this.names(kind)
    if (names.has(name)) return true
    if (!this.hold(sizeOf([name]))) return false
    names.add(name)
    this.shared.pubSub.subscribe(kind, name, this)
    return true
  }

  part(kind: Kind, name: string): void {
    if (!this.names(kind).delete(name)) return
    this.keyspace.held -= sizeOf([name])
    this.shared.pubSub.unsubscribe(kind, name, this)
  }

  names(kind: Kind): Set<string> {
    return kind === "channel" ? this.channels : this.patterns
  }

  /** Leaves all channels. */
  leave(): void {
    for (const kind of ["channel", "pattern"] as const) {
      for (const name of this.names(kind)) this.part(kind, name)
    }
  }
}
