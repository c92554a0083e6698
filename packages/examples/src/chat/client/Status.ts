/** The status line: who one is, where, and how the connection is. */
import type * as Reconnecting from "@sluice/client/Reconnecting"
import type { Whereabouts } from "./Whereabouts.ts"

export const show = (
  state: Reconnecting.State<Error>,
  { name, present, room, wanted }: Whereabouts,
  server: string,
  now: number
): string => {
  const who = name ?? wanted ?? "somebody"
  const where = room === undefined ? "in no room: /join ROOM" : `in ${room}`
  const others = present.length > 1 ? `, ${present.length} here` : ""
  return ` ${who} ${where}${others} - ${connection(state, server, now)}`
}

const connection = (state: Reconnecting.State<Error>, server: string, now: number): string => {
  switch (state._tag) {
    case "Connecting":
      return `connecting to ${server}`
    case "Connected":
      return "connected"
    case "Waiting":
      return `reconnecting in ${Math.max(0, Math.ceil((state.until - now) / 1000))} s: ${state.error.message}`
    case "Closed":
      return "closed"
  }
}
