import * as DatagramSocket from "effect/socket/DatagramSocket"
import type * as NetworkError from "../../NetworkError.ts"

type OpenKind = DatagramSocket.DatagramSocketOpenError["kind"]

const openKinds: { readonly [Tag in NetworkError.Reason["_tag"]]?: OpenKind } = {
  AddressInUse: "AddressInUse",
  AddressNotAvailable: "AddressNotAvailable",
  PermissionDenied: "PermissionDenied"
}

const ioKinds: { readonly [Tag in NetworkError.Reason["_tag"]]?: DatagramSocket.IoErrorKind } = {
  MessageTooLarge: "MessageTooLarge",
  Unreachable: "Unreachable",
  ConnectionRefused: "ConnectionRefused",
  PermissionDenied: "PermissionDenied"
}

const ioKind = (cause: NetworkError.NetworkError): DatagramSocket.IoErrorKind => ioKinds[cause.reason._tag] ?? "Unknown"

export const openError = (cause: NetworkError.NetworkError): DatagramSocket.DatagramSocketError => {
  const kind = openKinds[cause.reason._tag] ?? "Unknown"
  return new DatagramSocket.DatagramSocketError({ reason: new DatagramSocket.DatagramSocketOpenError({ kind, cause }) })
}

export const readError = (cause: NetworkError.NetworkError): DatagramSocket.DatagramSocketError =>
  new DatagramSocket.DatagramSocketError({
    reason: new DatagramSocket.DatagramSocketReadError({ kind: ioKind(cause), cause })
  })

export const writeError = (cause: NetworkError.NetworkError): DatagramSocket.DatagramSocketError =>
  new DatagramSocket.DatagramSocketError({
    reason: cause.reason._tag === "Closed"
      ? new DatagramSocket.DatagramSocketClosedError()
      : new DatagramSocket.DatagramSocketWriteError({ kind: ioKind(cause), cause })
  })

/** What joining a group failed with. Effect has no reason of its own for it but that it cannot be done at all. */
export const joinError = (cause: NetworkError.NetworkError): DatagramSocket.DatagramSocketError =>
  cause.reason._tag === "Unsupported"
    ? new DatagramSocket.DatagramSocketError({
      reason: new DatagramSocket.DatagramSocketUnsupportedError({ capability: cause.reason.feature, runtime: "Sluice" })
    })
    : openError(cause)
