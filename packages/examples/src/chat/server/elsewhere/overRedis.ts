/** Several chat servers, connected by Redis. */
import * as Layer from "effect/Layer"
import * as Leases from "../../../bus/Leases.ts"
import * as RedisBus from "../../../bus/RedisBus.ts"
import * as RedisClient from "../../../redis/client/RedisClient.ts"
import * as BusHistory from "../history/BusHistory.ts"
import * as RedisMail from "../mail/RedisMail.ts"
import * as BusElsewhere from "./BusElsewhere.ts"

/** What the servers share: the history of rooms, members, names and private messages. */
export const layer = (options: RedisClient.Options) =>
  Layer.mergeAll(BusHistory.layer, BusElsewhere.layer, RedisMail.layer).pipe(
    Layer.provide([RedisBus.layer, Leases.layerRedis("chat:name:")]),
    Layer.provide(RedisClient.layer({ name: "chat", answerTimeout: "3 seconds", ...options }))
  )
