import { glob } from "../glob.ts"
import type { Kind } from "../PubSub.ts"
import { array, bulk, error, integer, nil, type Outcome, Refused, type Reply, strings } from "../Reply.ts"
import { outOfMemory, type Session } from "../Session.ts"
import type { Commands } from "./arguments.ts"

const push = (what: string, name: Reply, count: number): Reply => ({
  _tag: "Push",
  items: [bulk(what), name, integer(count)]
})

const subscribe = (session: Session, words: ReadonlyArray<string>, kind: Kind): Outcome => ({
  _tag: "Several",
  replies: words.slice(1).map((name) => {
    if (!session.join(kind, name)) return error(outOfMemory)
    return push(words[0]!.toLowerCase(), bulk(name), session.subscriptions)
  })
})

const unsubscribe = (session: Session, words: ReadonlyArray<string>, kind: Kind): Outcome => {
  const what = words[0]!.toLowerCase()
  const names = words.length > 1 ? words.slice(1) : [...session.names(kind)]
  if (names.length === 0) return { _tag: "Several", replies: [push(what, nil, session.subscriptions)] }
  return {
    _tag: "Several",
    replies: names.map((name) => {
      session.part(kind, name)
      return push(what, bulk(name), session.subscriptions)
    })
  }
}

export const pubSub: Commands = {
  SUBSCRIBE: [-2, (session, words) => subscribe(session, words, "channel")],
  PSUBSCRIBE: [-2, (session, words) => subscribe(session, words, "pattern")],
  UNSUBSCRIBE: [-1, (session, words) => unsubscribe(session, words, "channel")],
  PUNSUBSCRIBE: [-1, (session, words) => unsubscribe(session, words, "pattern")],
  PUBLISH: [3, ({ shared }, [, channel, message]) => integer(shared.pubSub.publish(channel!, message!))],
  "PUBSUB|CHANNELS": [-2, ({ shared }, words) => {
    if (words.length > 3) {
      throw new Refused("ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.")
    }
    return strings(shared.pubSub.channels().filter(glob(words[2] ?? "*")))
  }],
  "PUBSUB|NUMSUB": [
    -2,
    ({ shared }, words) => array(words.slice(2).flatMap((name) => [bulk(name), integer(shared.pubSub.count(name))]))
  ],
  "PUBSUB|NUMPAT": [2, ({ shared }) => integer(shared.pubSub.patterns())]
}
