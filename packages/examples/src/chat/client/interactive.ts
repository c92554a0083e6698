/** `chat client` on a terminal: what is said appears above the line that is being typed. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Line from "../protocol/Line.ts"
import type { Key } from "../terminal/Keys.ts"
import * as LineEditor from "../terminal/LineEditor.ts"
import { Screen } from "../terminal/Screen.ts"
import * as Terminal from "../terminal/Terminal.ts"
import type { ChatClient } from "./ChatClient.ts"
import { complete } from "./completion.ts"
import * as Status from "./Status.ts"
import * as Transcript from "./Transcript.ts"

type Event =
  | { readonly _tag: "Keys"; readonly keys: ReadonlyArray<Key> }
  | { readonly _tag: "Came"; readonly line: Line.Line; readonly at: number }
  /** Something else that is shown may have changed. */
  | { readonly _tag: "Changed" }
  | { readonly _tag: "Over" }

const changed: Event = { _tag: "Changed" }
const over: Event = { _tag: "Over" }

/** Runs until the user quits. */
export const run = Effect.fnUntraced(function*(client: ChatClient, server: string, style: Transcript.Style) {
  yield* Terminal.raw
  const screen = new Screen()
  yield* Effect.addFinalizer(() => Terminal.write(screen.erase(Terminal.columns())))

  const events = yield* Queue.bounded<Event>(64)
  const came = (line: Line.Line) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => Queue.offer(events, { _tag: "Came", line, at }))
  const feeding = [
    Stream.runForEach(Terminal.keys, (keys) => Queue.offer(events, { _tag: "Keys", keys })).pipe(
      Effect.ignore,
      Effect.andThen(Queue.offer(events, over))
    ),
    Stream.runForEach(client.lines, came),
    Stream.runForEach(Terminal.resized, () => Queue.offer(events, changed)),
    // The seconds until the next try are counted down.
    Stream.runForEach(
      SubscriptionRef.changes(client.state),
      (state) =>
        state._tag === "Connected"
          ? came(Line.Notice({ text: `connected to ${server}` }))
          : Queue.offer(events, changed)
    ),
    Effect.forever(Effect.andThen(Effect.sleep("1 second"), Queue.offer(events, changed)))
  ]
  for (const each of feeding) yield* Effect.forkScoped(each)
  // What was typed is sent in the background while the user types on: the server's limits may hold it up.
  const outgoing = yield* Queue.dropping<string>(100)
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.flatMap(
        Queue.take(outgoing),
        (line) => Effect.catch(client.send(line), (error) => came(Line.Refusal({ text: `not sent: ${error.message}` })))
      )
    )
  )

  let editor = LineEditor.empty
  const paint = (text: string) => Transcript.inverse(style, text)
  const draw = Effect.fnUntraced(function*(printed: ReadonlyArray<string>) {
    const state = yield* SubscriptionRef.get(client.state)
    const status = Status.show(state, yield* client.whereabouts, server, yield* Clock.currentTimeMillis)
    yield* Terminal.write(screen.print(printed, { status, paint, editor }, Terminal.columns()))
  })

  /** Does what a key means, and prints what there is to say to that; whether that was the end. */
  const press = Effect.fnUntraced(function*(key: Key, printed: Array<string>) {
    const { present } = yield* client.whereabouts
    const step = LineEditor.press(editor, key, complete(present))
    editor = step.editor
    const refuse = Effect.fnUntraced(function*(text: string) {
      printed.push(Transcript.show(style, Line.Refusal({ text }), yield* Clock.currentTimeMillis))
    })
    if (step.cut !== undefined && step.cut > 0) {
      yield* refuse(`line full: ${step.cut} characters were not inserted; send the line and paste the rest`)
    }
    switch (step.event?._tag) {
      case "Redraw":
        yield* Terminal.write(screen.clear())
        return false
      case "Interrupted":
      case "Ended":
        return true
      case "Entered": {
        const line = step.event.line.trimEnd()
        if (/^\/quit\b/i.test(line)) return true
        if (line !== "" && !Queue.offerUnsafe(outgoing, line)) yield* refuse("not sent: too many lines are waiting")
      }
    }
    return false
  })

  yield* draw([])
  while (true) {
    const printed: Array<string> = []
    for (const event of yield* Queue.takeAll(events)) {
      if (event._tag === "Over") return yield* client.close
      if (event._tag === "Came") printed.push(Transcript.show(style, event.line, event.at))
      if (event._tag !== "Keys") continue
      for (const key of event.keys) if (yield* press(key, printed)) return yield* client.close
    }
    yield* draw(printed)
  }
}, Effect.scoped)
