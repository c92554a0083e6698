import * as Context from "effect/Context"

/**
 * The numbers given last, which connections and unnamed subscriptions count up.
 *
 * @category models
 * @since 0.1.0
 */
export interface Numbers {
  /** `Connection.id` of the last connection. */
  connections: number
  /** The number in the default name of the last `Subscription`. */
  subscriptions: number
}

/**
 * Where connections and unnamed subscriptions take their numbers from. A network reads it when it is made. Default: one for
 * the process. A simulation provides its own, so that its runs count from 1.
 *
 * @category services
 * @since 0.1.0
 */
export const CurrentNumbers: Context.Reference<Numbers> = Context.Reference<Numbers>("@sluice/core/Transport/Numbers", {
  defaultValue: () => ({ connections: 0, subscriptions: 0 })
})
