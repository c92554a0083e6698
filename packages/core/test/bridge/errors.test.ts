import { assert, describe, expect, it } from "@effect/vitest"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Exit from "effect/Exit"
import * as Socket from "effect/socket/Socket"
import * as DatagramErrors from "../../src/internal/bridge/datagramError.ts"
import * as Errors from "../../src/internal/bridge/socketError.ts"

const at = "tcp://10.0.0.1:7"
const reset = NetworkError.make("read", at, new NetworkError.ConnectionReset())
const late = NetworkError.make("connect", at, new NetworkError.TimedOut({ deadline: "connect", after: 5 }))
const back = (error: Socket.SocketError) => Errors.toNetworkError("read", at, error)

describe("the errors of a DatagramSocket", () => {
  const error = (reason: NetworkError.Reason) => NetworkError.make("send", "udp://10.0.0.1:7", reason)
  const kinds: ReadonlyArray<readonly [NetworkError.NetworkError, open: string, io: string]> = [
    [error(new NetworkError.AddressInUse({})), "AddressInUse", "Unknown"],
    [error(new NetworkError.AddressNotAvailable()), "AddressNotAvailable", "Unknown"],
    [error(new NetworkError.PermissionDenied()), "PermissionDenied", "PermissionDenied"],
    [error(new NetworkError.Unreachable({ what: "host" })), "Unknown", "Unreachable"],
    [error(new NetworkError.ConnectionRefused()), "Unknown", "ConnectionRefused"],
    [error(new NetworkError.MessageTooLarge({})), "Unknown", "MessageTooLarge"],
    [error(new NetworkError.ConnectionReset()), "Unknown", "Unknown"]
  ]

  it.each(kinds)("have the kinds that Effect has for them, and the cause: %s", (cause, open, io) => {
    expect(DatagramErrors.openError(cause).reason).toMatchObject({ _tag: "DatagramSocketOpenError", kind: open, cause })
    expect(DatagramErrors.joinError(cause).reason).toMatchObject({ _tag: "DatagramSocketOpenError", kind: open, cause })
    expect(DatagramErrors.readError(cause).reason).toMatchObject({ _tag: "DatagramSocketReadError", kind: io, cause })
    expect(DatagramErrors.writeError(cause).reason).toMatchObject({ _tag: "DatagramSocketWriteError", kind: io, cause })
  })

  it("tell a socket that is closed, and what a platform cannot do", () => {
    expect(DatagramErrors.writeError(error(new NetworkError.Closed())).reason._tag).toBe("DatagramSocketClosedError")
    const unsupported = error(new NetworkError.Unsupported({ feature: "multicast" }))
    expect(DatagramErrors.joinError(unsupported).reason).toMatchObject({
      _tag: "DatagramSocketUnsupportedError",
      capability: "multicast"
    })
  })
})

describe("the errors of a Socket", () => {
  it("are the NetworkErrors that they were made of", () => {
    for (const make of [Errors.openError, Errors.readError, Errors.writeError, Errors.upgradeError]) {
      for (const error of [reset, late]) expect(back(make(error))).toBe(error)
    }
    expect([reset, late].map((error) => Errors.openError(error).reason)).toMatchObject([
      { kind: "Unknown" },
      { kind: "Timeout" }
    ])
  })

  it.each(
    [
      [1000, true, "Closed"],
      [1001, true, "Closed"],
      [1005, true, "Closed"],
      [1006, false, "ConnectionReset"],
      [1002, false, "Other"],
      [1011, false, "Other"],
      [4000, false, "Other"]
    ] as const
  )("tell by the code %d whether the peer closed in order: %s", (code, inOrder, tag) => {
    expect(Errors.isInOrder(code)).toBe(inOrder)
    const error = back(Errors.closeError(code))
    expect(error).toMatchObject({ operation: "read", address: at, reason: { _tag: tag } })
  })

  it("of other Sockets are told by what they say", () => {
    const open = (kind: "Timeout" | "Unknown", cause: unknown) =>
      back(new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind, cause }) })).reason
    expect(open("Timeout", new Error("slow"))).toMatchObject({ _tag: "TimedOut", deadline: "connect" })
    const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED", syscall: "connect" })
    expect(open("Unknown", refused)._tag).toBe("ConnectionRefused")
    expect(open("Unknown", undefined)._tag).toBe("Other")
    const read = back(new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: refused }) }))
    expect(read.reason._tag).toBe("ConnectionRefused")
  })

  it("tell whether a Socket that is let go of has left something unsaid", () => {
    const ends = [
      Exit.void,
      Exit.interrupt(1),
      Exit.fail(Errors.closeError(1000)),
      Exit.fail("something else"),
      Exit.die(new Error("a defect"))
    ]
    assert.deepStrictEqual(ends.map(Errors.hasHadItsSay), [true, true, true, false, false])
  })
})
