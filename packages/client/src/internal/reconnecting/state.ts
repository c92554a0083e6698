import type * as Framed from "@sluice/core/Framed"
import type * as Deferred from "effect/Deferred"
import * as Pipeable from "effect/Pipeable"
import type * as SubscriptionRef from "effect/SubscriptionRef"
import type * as Reconnecting from "../../Reconnecting.ts"
import type { Failure } from "../failure.ts"
import type { Inbox } from "./inbox.ts"

export const typeId = "~@sluice/client/Reconnecting"

/** What a client consists of. */
export interface Client<in out Out, in out In, in out E> {
  readonly state: SubscriptionRef.SubscriptionRef<Reconnecting.State<E>>
  readonly inbox: Inbox<In, Failure<E>>
  /** Messages that wait for a connection, and how many may. */
  readonly outbox: Array<Out>
  readonly outboxCapacity: number
  /** Completes when the client is to end. */
  readonly closing: Deferred.Deferred<void>
  readonly ended: Deferred.Deferred<void>
  /** The connection to send on, while there is one. */
  current: Framed.Framed<Out, In> | undefined
  /** Gives up the connection, on which sending has failed. */
  lose: ((error: Failure<E>) => void) | undefined
}

export class ReconnectingValue<in out Out, in out In, in out E> extends Pipeable.Class
  implements Reconnecting.Reconnecting<Out, In, E>
{
  readonly [typeId]: Client<Out, In, E>
  readonly state: SubscriptionRef.SubscriptionRef<Reconnecting.State<E>>

  constructor(client: Client<Out, In, E>) {
    super()
    this[typeId] = client
    this.state = client.state
  }
}
