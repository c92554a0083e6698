/**
 * The other servers, over a bus. Each server publishes every change of its members, and all of them after the bus was
 * unreachable. Names are leases. A server that is silent for six seconds counts as gone.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { Bus } from "../../../bus/Bus.ts"
import { Leases } from "../../../bus/Leases.ts"
import * as Line from "../../protocol/Line.ts"
import * as Lookalike from "../Lookalike.ts"
import { type Announcement, Census } from "./Census.ts"
import { Elsewhere, type Here, Unreachable, type Whereabouts } from "./Elsewhere.ts"
import { decode, encode, type What } from "./news.ts"

const topic = "chat:news"
const aliveEvery = "2 seconds"
const silence = 6_000
/** Members in one message, at most. */
const together = 200
/** News that may wait. Beyond that, the oldest are dropped. */
const mostNews = 4_096

const away = "the other servers cannot be reached: what you say is said when they can"
const back = "the other servers can be reached again"

const make = Effect.gen(function*() {
  const bus = yield* Bus
  const leases = yield* Leases
  const from = (yield* Random.nextIntBetween(36 ** 3, 36 ** 4)).toString(36)
  const census = new Census()
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const outgoing = yield* Queue.sliding<What>(mostNews)
  const isConnected = () => SubscriptionRef.getUnsafe(bus.isConnected)

  const publish = (what: What) => bus.publish(topic, encode({ from, what }))

  const everybody = (members: Iterable<Whereabouts>): ReadonlyArray<What> => {
    const all = Array.from(members, ({ name, room }) => ({ name, room: room ?? null }))
    const parts = Array.from(
      { length: Math.max(1, Math.ceil(all.length / together)) },
      (_, index) => all.slice(index * together, (index + 1) * together)
    )
    return parts.map((members, index) => ({ _tag: "Here", isFirst: index === 0, members }))
  }

  const tellAll = (here: Here) =>
    Effect.sync(() => {
      for (const part of everybody(here.members())) Queue.offerUnsafe(outgoing, part)
    })

  const announce = (here: Here, announcements: ReadonlyArray<Announcement>) =>
    Effect.forEach(announcements, ({ key, line }) => here.tell(key, line), { discard: true })

  const hear = (here: Here) => ({ text }: { readonly text: string }): Effect.Effect<void> => {
    const news = decode(text)
    if (Option.isNone(news) || news.value.from === from) return Effect.void
    const { from: server, what } = news.value
    const announced = Effect.suspend(() => announce(here, census.hear(server, what, now())))
    if (what._tag === "Whisper") return here.whisper(what.to, what.by, what.text)
    return what._tag === "Hello" ? Effect.andThen(announced, tellAll(here)) : announced
  }

  const connect = Effect.fnUntraced(function*(here: Here) {
    const follow = bus.follow(topic, { last: 0, onMessage: hear(here) })
    const begin = Effect.gen(function*() {
      census.renew(now())
      Queue.offerUnsafe(outgoing, { _tag: "Hello" })
      yield* tellAll(here)
    })
    // The bus may not be reachable yet.
    const followed = Effect.andThen(Effect.eventually(Effect.tapError(follow, () => Effect.sleep("300 millis"))), begin)
    const watch = Stream.runForEach(
      Stream.drop(Stream.changes(SubscriptionRef.changes(bus.isConnected)), 1),
      (isConnected) =>
        Effect.andThen(
          isConnected ? begin : Effect.void,
          here.tellAll(Line.Notice({ text: isConnected ? back : away }))
        )
    )
    const send = Effect.flatMap(Queue.takeAll(outgoing), (all) =>
      // While the bus is unreachable, news are dropped: `begin` publishes all members when it is back.
      isConnected()
        ? Effect.forEach(all, (what) => Effect.ignore(publish(what)), { concurrency: "unbounded", discard: true })
        : Effect.void)
    const beat = Effect.andThen(
      Effect.sleep(aliveEvery),
      Effect.suspend(() => {
        if (!isConnected()) {
          census.renew(now())
          return Effect.void
        }
        Queue.offerUnsafe(outgoing, { _tag: "Alive" })
        return announce(here, census.forget(now() - silence))
      })
    )
    yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(publish({ _tag: "Bye" }), "1 second")))
    yield* Effect.forkScoped(Effect.andThen(followed, Effect.never))
    yield* Effect.forkScoped(Effect.andThen(untilConnected, watch))
    yield* Effect.forkScoped(Effect.forever(send))
    yield* Effect.forkScoped(Effect.forever(beat))
    yield* Effect.forkScoped(Stream.runForEach(leases.lost, here.onNameLost))
  })

  const untilConnected = SubscriptionRef.changes(bus.isConnected).pipe(
    Stream.filter((isConnected) => isConnected),
    Stream.runHead
  )

  const unreachable = ({ message }: { readonly message: string }) => new Unreachable({ message })

  return Elsewhere.of({
    tag: `-${from}-`,
    connect,
    claim: (name, token) => Effect.mapError(leases.claim(Lookalike.keys(name), token), unreachable),
    release: (name, but) => {
      const kept = but === undefined ? [] : Lookalike.keys(but)
      return leases.release(Lookalike.keys(name).filter((key) => !kept.includes(key)))
    },
    moved: ({ name, room }, { was = null, why = null } = {}) =>
      void Queue.offerUnsafe(outgoing, { _tag: "Moved", name, room: room ?? null, was, why }),
    gone: (name) => void Queue.offerUnsafe(outgoing, { _tag: "Gone", name }),
    find: (name) => census.find(name),
    whisper: (to, by, text) =>
      isConnected()
        ? publish({ _tag: "Whisper", to, by, text }).pipe(Effect.timeout("2 seconds"), Effect.mapError(unreachable))
        : Effect.fail(new Unreachable({ message: "the other servers cannot be reached" })),
    inRoom: (key) => census.inRoom(key),
    rooms: () => census.rooms,
    size: () => census.size
  })
})

/** Servers that share a bus and leases. */
export const layer: Layer.Layer<Elsewhere, never, Bus | Leases> = Layer.effect(Elsewhere, make)
