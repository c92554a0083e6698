/** A node: runs the core against a network, a disk and a clock. */
import * as FramedClient from "@sluice/client/FramedClient"
import type * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Server from "@sluice/core/Server"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Journal from "../journal/Journal.ts"
import * as bugs from "./bugs.ts"
import { type Input, load, step } from "./core.ts"
import type * as Members from "./Members.ts"
import * as Peers from "./peers.ts"
import { type Answer, framing, isRequest, type Message, type Record, type Request } from "./protocol.ts"
import { type Action, peers, type State } from "./state.ts"
import { Storage } from "./Storage.ts"
import * as Store from "./Store.ts"

export interface Options {
  readonly id: Members.Id
  /** The members of a new store. Without any, or after the first start, the node is told. */
  readonly founders: Members.Members
  readonly listen: Endpoint.Input
  readonly server?: Omit<Server.Options, "listen"> | undefined
  /** How long a follower waits for its leader: this time, or up to twice as long. Default: 150 ms. */
  readonly electionTimeout?: Duration.Input | undefined
  /** Default: 50 ms. */
  readonly heartbeat?: Duration.Input | undefined
  /** Entries in a log before a snapshot is taken. Default: 1,000. */
  readonly snapshotAfter?: number | undefined
  /** Entries in one message. Default: 100. */
  readonly maxEntries?: number | undefined
  readonly bugs?: bugs.Bugs | undefined
  /** Told of each new state, before and after it is on the disk. */
  readonly watch?: ((state: State, isOnDisk: boolean) => Effect.Effect<void>) | undefined
}

const pendingOf = ({ role }: State) => role._tag === "Leader" ? role.pending : undefined

// Inputs that may be queued. Senders of more wait.
const maxInputs = 1024

/** A leader sends heartbeats in time; others wait for a leader. */
const makeTimer = (heartbeat: number, electionTimeout: number) => {
  const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
  let deadline = 0
  return {
    restart: Effect.fnUntraced(function*(isLeader: boolean) {
      const wait = isLeader ? heartbeat : electionTimeout * (1 + (yield* Random.next))
      deadline = (yield* now) + wait
    }),
    left: Effect.map(now, (now) => deadline - now)
  }
}

/** The records of a node. A founder of a new store begins with a snapshot of the members. */
const recordsOf = Effect.fnUntraced(function*(
  { records, write }: Storage["Service"],
  founders: Members.Members
): Effect.fn.Return<ReadonlyArray<Record>, Journal.JournalFailed> {
  if (records.length > 0 || founders.size === 0) return records
  const founding: Record = { _tag: "Snapshot", snapshot: Store.toSnapshot(Store.founded(founders), 0) }
  yield* write([founding])
  return [founding]
})

/** Serves peers and clients until the disk fails: a node that cannot write must not continue. */
export const serve = Effect.fnUntraced(function*({ founders, id, listen, server, watch, ...options }: Options) {
  const storage = yield* Storage
  const inputs = yield* Queue.bounded<Input>(maxInputs)
  const replies = new Map<number, Deferred.Deferred<Answer>>()
  const heartbeat = Duration.fromInputUnsafe(options.heartbeat ?? "50 millis")
  const electionTimeout = Duration.fromInputUnsafe(options.electionTimeout ?? "150 millis")
  const timer = makeTimer(Duration.toMillis(heartbeat), Duration.toMillis(electionTimeout))
  const planted = options.bugs ?? bugs.none

  const clients = yield* Peers.make({
    connections: 2,
    connectTimeout: electionTimeout,
    answerTimeout: Duration.times(electionTimeout, 2),
    spacing: heartbeat
  })

  // A candidate asks again. Other requests are not retried: the next heartbeat sends a similar one.
  const ask = (client: Peers.Peer, peer: Members.Id, request: Request) =>
    FramedClient.request(client, request).pipe(
      request._tag === "RequestVote" ? Effect.retry(Schedule.spaced("10 millis")) : identity,
      Effect.timeout(electionTimeout),
      Effect.flatMap((answer) =>
        isRequest(answer) ? Effect.void : Queue.offer(inputs, { _tag: "Answered", by: peer, request, answer })
      ),
      Effect.ignore
    )

  /** What arrives before the timeout, or else that. */
  const arrivals = Effect.gen(function*() {
    const left = yield* timer.left
    const arrived = left > 0
      ? yield* Effect.timeoutOption(Queue.takeBetween(inputs, 1, 100), left)
      : Option.none()
    if (Option.isSome(arrived)) return arrived.value
    yield* timer.restart(false)
    return [{ _tag: "Timeout" }] as const
  })

  const perform = (action: Action) => {
    switch (action._tag) {
      case "Ask": {
        const client = clients.at(action.address)
        return client === undefined ? Effect.void : Effect.forkScoped(ask(client, action.peer, action.request))
      }
      case "Answer": {
        const reply = replies.get(action.token)
        return reply === undefined ? Effect.void : Deferred.succeed(reply, action.answer)
      }
      case "Timer":
        return timer.restart(action.isLeader)
      case "Write":
        return Effect.void
    }
  }

  let state = load(
    {
      id,
      snapshotAfter: options.snapshotAfter ?? 1000,
      maxEntries: options.maxEntries ?? 100,
      bugs: planted
    },
    yield* recordsOf(storage, founders)
  )
  yield* clients.keep(peers(state).values())

  const turn = Effect.gen(function*() {
    const [next, actions] = step(state, yield* arrivals)
    if (next.role._tag === "Leader" && state.role._tag !== "Leader") yield* Effect.logInfo(`leads term ${next.term}`)
    if (next.members !== state.members || pendingOf(next) !== pendingOf(state)) {
      yield* clients.keep(peers(next).values())
    }
    state = next
    if (watch !== undefined) yield* watch(state, false)
    const records = actions.flatMap((action) => action._tag === "Write" ? [action.record] : [])
    const rest = Effect.forEach(actions, perform, { discard: true })
    if (planted.has("answersBeforeSync")) yield* rest
    if (records.length > 0) {
      yield* storage.write(records)
      yield* storage.sync
    }
    if (watch !== undefined) yield* watch(state, true)
    if (!planted.has("answersBeforeSync")) yield* rest
  })

  yield* timer.restart(false)
  let lastToken = 0
  const answer = (request: Message): Effect.Effect<Answer> => {
    if (!isRequest(request)) return Effect.succeed({ _tag: "Refused", why: `${request._tag} is not a request` })
    const token = ++lastToken
    const reply = Deferred.makeUnsafe<Answer>()
    replies.set(token, reply)
    return Queue.offer(inputs, { _tag: "Asked", token, request }).pipe(
      Effect.andThen(Deferred.await(reply)),
      Effect.ensuring(Effect.sync(() => replies.delete(token)))
    )
  }
  yield* Layer.build(Server.layer({ ...server, listen }, Framed.serve(framing, answer, { concurrency: 64 })))
  return yield* Effect.forever(turn)
}, Effect.scoped)
