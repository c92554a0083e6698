import * as Connection from "@sluice/core/Connection"
import * as Effect from "effect/Effect"
import { getDefaultHighWaterMark } from "node:stream"
import type * as NodeDuplex from "../../NodeDuplex.ts"
import { DuplexSocket } from "./duplexSocket.ts"
import { giveSocket } from "./socketBypass.ts"

/**
 * Gives a connection to a server of Node's, as its `connection` event, and resumes when the socket is closed. `prepare` sees
 * the socket before the server does.
 */
export const handOver = <E = never, R = never>(
  server: NodeDuplex.NodeServer,
  connection: Connection.Connection,
  prepare?: (socket: DuplexSocket, resume: (effect: Effect.Effect<void, E, R>) => void) => void
): Effect.Effect<void, E, R> =>
  Effect.callback<void, E, R>((resume) => {
    const { allowHalfOpen = true, highWaterMark, pauseOnConnect = false } = server
    const close = (how: "end" | "reset") => resume(how === "end" ? Effect.void : Connection.abort(connection))
    const given = prepare === undefined && isDefault(highWaterMark)
      ? giveSocket(connection, { close }, { isPaused: pauseOnConnect })
      : undefined
    if (given !== undefined) {
      given.allowHalfOpen = allowHalfOpen
      ;(given as { server?: unknown }).server = server
      server.emit("connection", given)
      return Effect.sync(() => void given.destroy())
    }
    const socket = new DuplexSocket({ allowHalfOpen, highWaterMark })
    socket.server = server
    // The server reports errors. Without a listener, an error would end the process.
    socket.on("error", () => {})
    prepare?.(socket, resume)
    socket.attach(connection, { close }, { isPaused: pauseOnConnect })
    server.emit("connection", socket)
    return Effect.sync(() => void socket.destroy())
  })

const isDefault = (highWaterMark: number | undefined): boolean =>
  highWaterMark === undefined || highWaterMark === getDefaultHighWaterMark(false)
