import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Socket from "effect/socket/Socket"
import * as NetworkError from "../../NetworkError.ts"
import { systemError } from "../network/systemError.ts"

/** The close codes that mean something to a byte stream (RFC 6455, section 7.4.1), and one of those for private use. */
export const closeCode = { normal: 1000, goingAway: 1001, none: 1005, abnormal: 1006, aborted: 4000 } as const

/** Whether a code stands for a close in order, which a byte stream shows as an end, rather than as a reset. */
export const isInOrder = (code: number): boolean =>
  code === closeCode.normal || code === closeCode.goingAway || code === closeCode.none

export const closeError = (code: number, closeReason?: string): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketCloseError({ code, closeReason }) })

export const openError = (cause: NetworkError.NetworkError): Socket.SocketError =>
  new Socket.SocketError({
    reason: new Socket.SocketOpenError({ kind: cause.reason._tag === "TimedOut" ? "Timeout" : "Unknown", cause })
  })

export const readError = (cause: NetworkError.NetworkError): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketReadError({ cause }) })

export const writeError = (cause: NetworkError.NetworkError): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause }) })

export const upgradeError = (cause: NetworkError.NetworkError): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketUpgradeError({ cause }) })

/** What a `SocketError` says, as a `NetworkError`: the one that it was made of, if it was. */
export const toNetworkError = (
  operation: NetworkError.Operation,
  address: string,
  error: Socket.SocketError
): NetworkError.NetworkError => {
  const { reason } = error
  if (reason._tag === "SocketCloseError") {
    return NetworkError.make(
      operation,
      address,
      reason.code === closeCode.abnormal
        ? new NetworkError.ConnectionReset()
        : isInOrder(reason.code)
        ? new NetworkError.Closed()
        : new NetworkError.Other({ message: `it was closed with code ${reason.message}` })
    )
  }
  const { cause } = reason
  if (NetworkError.isNetworkError(cause)) return cause
  if (reason._tag === "SocketOpenError" && reason.kind === "Timeout") {
    return NetworkError.make(operation, address, new NetworkError.TimedOut({ deadline: "connect" }))
  }
  return systemError({ operation, address, error: cause ?? error })
}

/**
 * Whether a Socket that is let go of like this has had its say. Effect's own protocols always end by a `SocketError` or by
 * an interruption; any other failure means that something was left unsaid.
 */
export const hasHadItsSay = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isSuccess(exit) ||
  exit.cause.reasons.every((reason) =>
    Cause.isInterruptReason(reason) || (Cause.isFailReason(reason) && Socket.isSocketError(reason.error))
  )
