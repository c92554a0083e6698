import { duration, oneOf, optionalInteger } from "@sluice/core/Options"
import type * as Rule from "../../../Rule.ts"

/** An action, or a delay in milliseconds. */
export type PlainAction = Exclude<Rule.Action, object> | number

export const plainAction = (action: Rule.Action): PlainAction =>
  typeof action === "object"
    ? duration("delay", action.delay, 0, 86_400_000)
    : oneOf<PlainAction & string>("action", action, ["drop", "duplicate", "corrupt", "reset", "hold"])

export const checkRule = ({ name, skip, times }: Rule.Options): Rule.Options => ({
  name,
  skip: optionalInteger("skip", skip, 0, Number.MAX_SAFE_INTEGER),
  times: optionalInteger("times", times, 0, Number.MAX_SAFE_INTEGER)
})
