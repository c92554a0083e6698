/** A client of the store: finds the leader, and retries until a command has had its effect. */
import * as FramedClient from "@sluice/client/FramedClient"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Peers from "./peers.ts"
import type { Operation } from "./protocol.ts"

/** No leader has answered in time: the command may have had its effect, or may still have it. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly seconds: number; readonly why: string }> {
  override get message(): string {
    return `no answer within ${this.seconds} seconds: ${this.why}; check that a majority of the nodes runs`
  }
}

/** The leader does not make a change of the members. */
export class Refused extends Data.TaggedError("Refused")<{ readonly why: string }> {
  override get message(): string {
    return this.why
  }
}

export interface Client {
  /** Runs a command, once, and returns its result. A change of the members may be made twice, with the same result. */
  readonly submit: (operation: Operation) => Effect.Effect<string, NoAnswer | Refused>
}

export interface Options {
  /** Tells clients apart. */
  readonly name: string
  /** The addresses of some nodes, at least one. They know the leader's. */
  readonly nodes: ReadonlyArray<string>
  /** How long a node may take to answer. Default: 500 ms. */
  readonly answerTimeout?: Duration.Input | undefined
  /** How long to retry. Default: 10 seconds. */
  readonly timeout?: Duration.Input | undefined
}

/** A client, which keeps a connection to each of these nodes, and to the leader, until its Scope closes. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const { answerTimeout = "500 millis", name, nodes } = options
  const timeout = Duration.fromInputUnsafe(options.timeout ?? "10 seconds")
  const peers = yield* Peers.make({
    connections: 1,
    connectTimeout: answerTimeout,
    answerTimeout,
    spacing: "100 millis"
  })
  yield* peers.keep(nodes)
  let current = nodes[0]!
  let sequence = 0

  const submit = Effect.fnUntraced(function*(operation: Operation) {
    const command = { client: name, sequence: ++sequence, operation }
    let why = "no node is the leader"
    const attempts = Effect.gen(function*() {
      while (true) {
        const request = FramedClient.request(peers.at(current)!, { _tag: "Submit", ...command })
        const answer = yield* Effect.result(Effect.timeout(request, answerTimeout))
        if (answer._tag === "Success" && answer.success._tag === "Done") return answer.success.result
        if (answer._tag === "Success" && answer.success._tag === "Refused") {
          return yield* new Refused({ why: answer.success.why })
        }
        if (answer._tag === "Failure") why = answer.failure.message
        const leader = answer._tag === "Success" && answer.success._tag === "Redirect" ? answer.success.address : ""
        const next = nodes[(nodes.indexOf(current) + 1) % nodes.length]!
        current = leader === "" || leader === current ? next : leader
        yield* peers.keep([...nodes, current])
        yield* Effect.sleep("20 millis")
      }
    })
    const result = yield* Effect.timeoutOption(attempts, timeout)
    if (Option.isSome(result)) return result.value
    return yield* Effect.fail(new NoAnswer({ seconds: Duration.toSeconds(timeout), why }))
  })
  return { submit } as Client
})
