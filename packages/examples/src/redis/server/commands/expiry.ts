/** When keys expire, as commands say it. */
import { Refused } from "../Reply.ts"
import type { Session } from "../Session.ts"
import { toInteger } from "./arguments.ts"

/** Seconds and milliseconds from now, and since 1970. */
export const times = ["EX", "PX", "EXAT", "PXAT"] as const
export type Time = typeof times[number]

/** Redis has times of 64 bits. */
const largest = 2 ** 63

/** The time of expiry, by the monotonic clock in milliseconds. */
export const expiryOf = (
  { keyspace, wallMillis }: Session,
  time: Time,
  text: string | undefined,
  command: string,
  least = -Infinity
): number => {
  const amount = toInteger(text)
  const millis = time.startsWith("P") ? amount : amount * 1000
  const now = wallMillis()
  const origin = time.endsWith("AT") ? 0 : now
  if (amount < least || millis < -largest || millis > largest - origin) {
    throw new Refused(`ERR invalid expire time in '${command}' command`)
  }
  return keyspace.now() + (origin === 0 ? millis - now : millis)
}
