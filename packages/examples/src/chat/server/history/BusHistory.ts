/** A history that several servers share over a bus: all of them publish each line, in one order. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Bus, type BusFailed, type Message } from "../../../bus/Bus.ts"
import * as Line from "../../protocol/Line.ts"
import { type Entry, History, HistoryFailed } from "./History.ts"

/** How long a line waits before its author is told. */
const patience = "3 seconds"

const Spoken = Schema.Union([
  Schema.TaggedStruct("Said", { name: Schema.String, text: Schema.String }),
  Schema.TaggedStruct("Acted", { name: Schema.String, text: Schema.String })
])
const json = Schema.fromJsonString(Spoken)
const decode = Schema.decodeUnknownOption(json)
const encode = Schema.encodeSync(json)

const topicOf = (room: string): string => `chat:room:${room}`

const entryOf = ({ at, text }: Message): ReadonlyArray<Entry> =>
  Option.match(decode(text), {
    onNone: () => [],
    onSome: (spoken) => [{ at, spoken: spoken._tag === "Said" ? Line.Said(spoken) : Line.Acted(spoken) }]
  })

const failed = (what: string) => (cause: BusFailed) => new HistoryFailed({ what, cause })

/** The history of rooms on the bus. */
export const layer: Layer.Layer<History, never, Bus> = Layer.effect(
  History,
  Effect.map(Bus, (bus) =>
    History.of({
      last: (room, count) =>
        Effect.map(Effect.mapError(bus.last(topicOf(room), count), failed("read the room")), (all) =>
          all.flatMap(entryOf)),
      open: (room, count, onEntry) =>
        bus.follow(topicOf(room), {
          last: count,
          onMessage: (message) =>
            Effect.forEach(entryOf(message), onEntry, { discard: true })
        }).pipe(
          Effect.mapError(failed("read the room")),
          Effect.map((all) => all.flatMap(entryOf))
        ),
      // Published, here as elsewhere, when it comes back from the bus.
      keep: (room, { spoken }) =>
        Effect.gen(function*() {
          const publishing = yield* Effect.forkDetach(bus.publish(topicOf(room), encode(spoken)), {
            startImmediately: true
          })
          const exit = yield* Effect.timeoutOption(Fiber.await(publishing), patience)
          if (Option.isNone(exit)) {
            return yield* new HistoryFailed({ what: "say it yet", cause: "no answer", isWaiting: true })
          }
          return yield* Effect.mapError(exit.value, failed("say it"))
        })
    }))
)
