/** Keys, each held by at most one of several servers. A key expires ten seconds after its server last renewed it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { RedisClient } from "../redis/client/RedisClient.ts"
import { BusFailed } from "./Bus.ts"

export class Leases extends Context.Service<Leases, {
  /**
   * Claims all of the keys or none, and returns whether it did. A key that another server claimed with the same secret is
   * taken over.
   */
  readonly claim: (
    keys: ReadonlyArray<string>,
    secret?: Redacted.Redacted<string>
  ) => Effect.Effect<boolean, BusFailed>
  /** Releases keys. If that fails, they expire. */
  readonly release: (keys: ReadonlyArray<string>) => Effect.Effect<void>
  /** Keys that another server claimed while this one could not renew them. */
  readonly lost: Stream.Stream<string>
}>()("@sluice/examples/Leases") {}

/** How long a key stays without renewal, and how often keys are renewed, in milliseconds. */
const life = 10_000
const renewEvery = 3_000

// https://redis.io/docs/latest/develop/clients/patterns/distributed-locks
const script = (action: string) =>
  `if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call(${action}) else return 0 end`
const unlock = script(`"del",KEYS[1]`)
const prolong = script(`"pexpire",KEYS[1],ARGV[2]`)

const digestOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url")
const secretOf = (value: string): string => value.slice(value.indexOf(" "))

const make = (prefix: string) =>
  Effect.gen(function*() {
    const { send } = yield* RedisClient
    const owner = (yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)
    // The value of each key: the owner, and the digest of the secret, if there is one.
    const held = new Map<string, string>()
    const lost = yield* PubSub.sliding<string>(1_024)
    const nameOf = (key: string) => `${prefix}${key}`

    const take = (key: string, value: string) =>
      Effect.flatMap(
        send("SET", nameOf(key), value, "NX", "PX", String(life)),
        (answer) =>
          answer === null
            ? Effect.map(send("GET", nameOf(key)), (found) => found === value)
            : Effect.succeed(true)
      )

    const takeOver = Effect.fnUntraced(function*(key: string, value: string) {
      if (yield* take(key, value)) return true
      const found = yield* send("GET", nameOf(key))
      const isSame = typeof found === "string" && !value.endsWith(" ") && secretOf(found) === secretOf(value)
      if (!isSame) return false
      yield* send("EVAL", unlock, "1", nameOf(key), found)
      return yield* take(key, value)
    })

    const release = (keys: ReadonlyArray<string>) =>
      Effect.forEach(keys, (key) =>
        Effect.suspend(() => {
          const value = held.get(key)
          held.delete(key)
          return value === undefined ? Effect.void : Effect.ignore(send("EVAL", unlock, "1", nameOf(key), value))
        }), { concurrency: "unbounded", discard: true })

    const claim = Effect.fnUntraced(
      function*(keys: ReadonlyArray<string>, secret?: Redacted.Redacted<string>) {
        const value = `${owner} ${secret === undefined ? "" : digestOf(Redacted.value(secret))}`
        const taken: Array<string> = []
        for (const key of keys) {
          if (held.has(key)) {
            if (held.get(key) !== value) yield* send("SET", nameOf(key), value, "XX", "PX", String(life))
            held.set(key, value)
            continue
          }
          const isOurs = yield* Effect.onError(takeOver(key, value), () => release(taken))
          if (!isOurs) {
            yield* release(taken)
            return false
          }
          taken.push(key)
          held.set(key, value)
        }
        return true
      },
      Effect.timeout("2 seconds"),
      Effect.mapError(({ message }) => new BusFailed({ what: "claim", why: message }))
    )

    const renew = ([key, value]: readonly [string, string]) =>
      Effect.gen(function*() {
        if ((yield* send("EVAL", prolong, "1", nameOf(key), value, String(life))) === 1) return
        // The key expired or Redis lost it, or it was released or claimed again meanwhile.
        if (held.get(key) !== value || (yield* take(key, value))) return
        held.delete(key)
        yield* PubSub.publish(lost, key)
      })
    const renewAll = Effect.suspend(() =>
      Effect.forEach(Array.from(held), renew, { concurrency: "unbounded", discard: true })
    )
    yield* Effect.forkScoped(
      Effect.forever(Effect.andThen(Effect.sleep(renewEvery), Effect.exit(Effect.timeout(renewAll, "2 seconds"))))
    )
    yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(release(Array.from(held.keys())), "1 second")))
    return Leases.of({ claim, release, lost: Stream.fromPubSub(lost) })
  })

/** Leases as keys of the client's Redis, each with this prefix. */
export const layerRedis = (prefix: string): Layer.Layer<Leases, never, RedisClient> =>
  Layer.effect(Leases, make(prefix))
