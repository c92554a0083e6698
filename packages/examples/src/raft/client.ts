/** A client of the store: finds the leader, and retries until a command has had its effect. */
import * as FramedClient from "@sluice/client/FramedClient"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { framing, type Message, type Operation } from "./protocol.ts"
import type { Id } from "./state.ts"

/** No leader has answered in time: the command may have had its effect, or may still have it. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly seconds: number; readonly why: string }> {
  override get message(): string {
    return `no answer within ${this.seconds} seconds: ${this.why}; check that a majority of the nodes runs`
  }
}

export interface Client {
  /** Runs a command, once, and returns its result. */
  readonly submit: (operation: Operation) => Effect.Effect<string, NoAnswer>
}

export interface Options {
  /** Tells clients apart. */
  readonly name: string
  readonly nodes: ReadonlyMap<Id, string>
  /** How long a node may take to answer. Default: 500 ms. */
  readonly answerTimeout?: Duration.Input | undefined
  /** How long to retry. Default: 10 seconds. */
  readonly timeout?: Duration.Input | undefined
}

/** A client, which keeps a connection to each node until its Scope closes. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const { answerTimeout = "500 millis", name, nodes } = options
  const timeout = Duration.fromInputUnsafe(options.timeout ?? "10 seconds")
  const clients: Array<readonly [Id, FramedClient.FramedClient<Message, Message, Framed.FramedError>]> = []
  for (const [id, endpoint] of nodes) {
    const connect = Network.connect(endpoint, { connectTimeout: answerTimeout })
    const client = yield* FramedClient.make({
      connect: Effect.flatMap(connect, Framed.make(framing)),
      answerTimeout,
      schedule: Schedule.spaced("100 millis")
    })
    clients.push([id, client])
  }
  let current = 0
  let sequence = 0

  const submit = Effect.fnUntraced(function*(operation: Operation) {
    const command = { client: name, sequence: ++sequence, operation }
    let why = "no node is the leader"
    const attempts = Effect.gen(function*() {
      while (true) {
        const request = FramedClient.request(clients[current]![1], { _tag: "Submit", ...command })
        const answer = yield* Effect.result(Effect.timeout(request, answerTimeout))
        if (answer._tag === "Success" && answer.success._tag === "Done") return answer.success.result
        if (answer._tag === "Failure") why = answer.failure.message
        const leader = answer._tag === "Success" && answer.success._tag === "Redirect" ? answer.success.leader : 0
        const known = clients.findIndex(([id]) => id === leader)
        current = known === -1 || known === current ? (current + 1) % clients.length : known
        yield* Effect.sleep("20 millis")
      }
    })
    const result = yield* Effect.timeoutOption(attempts, timeout)
    if (Option.isSome(result)) return result.value
    return yield* Effect.fail(new NoAnswer({ seconds: Duration.toSeconds(timeout), why }))
  })
  return { submit } as Client
})
