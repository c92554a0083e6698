import * as NetworkError from "@sluice/core/NetworkError"
import { UnusableCertificate } from "@sluice/core/TlsReason"
import * as Transport from "@sluice/core/Transport"
import { describe, expect, it } from "vitest"

const system = (code: string, syscall = "connect") =>
  Transport.systemError({
    operation: "connect",
    address: "tcp://10.0.0.1:80",
    error: Object.assign(new Error(`${syscall} ${code}`), { code, syscall })
  })

describe("NetworkError", () => {
  it.each([
    ["EADDRINUSE", "AddressInUse"],
    ["EADDRNOTAVAIL", "AddressInUse"],
    ["EACCES", "PermissionDenied"],
    ["ECONNREFUSED", "ConnectionRefused"],
    ["ECONNRESET", "ConnectionReset"],
    ["EPIPE", "BrokenPipe"],
    ["ETIMEDOUT", "TimedOut"],
    ["ENOTFOUND", "HostNotFound"],
    ["EHOSTUNREACH", "Unreachable"],
    ["ENETUNREACH", "Unreachable"],
    ["EMSGSIZE", "MessageTooLarge"],
    ["EMFILE", "TooManyOpenFiles"],
    ["ENOTSOCK", "NotASocket"],
    ["ENAMETOOLONG", "PathTooLong"],
    ["ENOENT", "PathNotFound"],
    ["EWHATEVER", "Other"]
  ])("calls %s %s, and keeps what the system said", (code, tag) => {
    const error = system(code)
    expect(error).toMatchObject({ _tag: "NetworkError", code, syscall: "connect", reason: { _tag: tag } })
    expect(error.message.split("\n")).toHaveLength(1)
    expect(error.message).toContain("cannot connect to tcp://10.0.0.1:80")
  })

  it("says what was tried, where, what went wrong and what to do", () => {
    expect(system("ECONNREFUSED").message).toBe(
      "cannot connect to tcp://10.0.0.1:80: the connection was refused (ECONNREFUSED from connect); " +
        "check the address, and that the server is running"
    )
  })

  it("names the host that was not found, and the deadline that passed", () => {
    expect(system("ENOTFOUND").reason).toMatchObject({ host: "10.0.0.1" })
    const late = new NetworkError.TimedOut({ deadline: "idle", after: 1500 })
    expect(NetworkError.make("read", "127.0.0.1:5", late).message).toBe(
      "cannot read from 127.0.0.1:5: nothing was read or written within 1500 ms; retry, or raise the timeout"
    )
  })

  it.each(
    [
      ["connect", "EADDRNOTAVAIL", "connect", true, "PortsExhausted"],
      ["connect", "EADDRINUSE", "connect", true, "PortsExhausted"],
      ["bind", "EADDRINUSE", "bind", true, "PortsExhausted"],
      ["connect", "EADDRNOTAVAIL", "bind", true, "AddressNotAvailable"],
      ["connect", "EADDRNOTAVAIL", "connect", false, "AddressInUse"],
      ["bind", "EADDRINUSE", "bind", false, "AddressInUse"],
      ["connect", "EAGAIN", "connect", false, "BacklogFull"],
      ["read", "EAGAIN", "read", false, "Other"],
      ["resolve", "EAI_AGAIN", "getaddrinfo", false, "NameServerFailed"]
    ] as const
  )("tells a failed %s with %s from %s, any port %s, as %s", (operation, code, syscall, anyPort, tag) => {
    const error = Transport.systemError({ operation, address: "tcp://10.0.0.1:80", error: { code, syscall }, anyPort })
    expect(error.reason._tag).toBe(tag)
    expect(error.message).not.toContain("[object")
  })

  it("calls a group that is joined twice a group, and not an address", () => {
    const error = Transport.systemError({
      operation: "join",
      address: "udp://0.0.0.0:9",
      error: { code: "EADDRINUSE", syscall: "addMembership" }
    })
    expect(error.reason).toMatchObject({ _tag: "AddressInUse", what: "group" })
    expect(error.message).toContain("a member of this group already")
  })

  it("tells of every address that was tried, up to eight", () => {
    const attempt = (index: number) =>
      NetworkError.make("connect", `tcp://10.0.0.${index}:80`, new NetworkError.ConnectionRefused())
    const message = (count: number) =>
      new NetworkError.NetworkError({
        operation: "connect",
        address: "tcp://example.org:80",
        reason: new NetworkError.ConnectionRefused(),
        attempts: Array.from({ length: count }, (_, index) => attempt(index))
      }).message
    for (const count of [0, 1]) expect(message(count)).not.toContain("addresses failed")
    expect(message(2)).toContain("; all 2 addresses failed: 10.0.0.0:80: ")
    expect(message(8)).toContain("10.0.0.7:80")
    expect(message(8)).not.toContain(" more")
    expect(message(9)).toMatch(/all 9 addresses failed: .*10\.0\.0\.7:80: [^,]*, and 1 more$/)
  })

  it("is transient where the same operation may succeed later, with any address that was tried", () => {
    const refused = NetworkError.make("connect", "a", new NetworkError.ConnectionRefused())
    const wrong = NetworkError.make("connect", "a", new NetworkError.AddressNotAvailable())
    expect([refused, wrong].map(NetworkError.isTransient)).toEqual([true, false])
    const tried = (...attempts: ReadonlyArray<NetworkError.NetworkError>) =>
      NetworkError.isTransient(new NetworkError.NetworkError({ ...wrong, reason: wrong.reason, attempts }))
    expect([tried(), tried(wrong), tried(wrong, refused), tried(wrong, wrong)]).toEqual([false, false, true, false])
  })

  it.each<readonly [NetworkError.Reason, string]>([
    [new NetworkError.AddressInUse({}), "the address is already in use; stop"],
    [new NetworkError.AddressInUse({ what: "group" }), "this group already; join"],
    [
      new NetworkError.AddressFamilyMismatch({ socket: "IPv4", address: "::1" }),
      "::1 is not an IPv4 address, and the socket is IPv4"
    ],
    [
      new NetworkError.AddressFamilyMismatch({ socket: "IPv6", address: "10.0.0.1" }),
      "10.0.0.1 is not an IPv6 address, and"
    ],
    [new NetworkError.MessageTooLarge({}), "the datagram is too large"],
    [new NetworkError.MessageTooLarge({ size: 5 }), "a datagram of 5 bytes is too large"],
    [new NetworkError.PathTooLong({}), "the path is too long"],
    [new NetworkError.PathTooLong({ limit: 5 }), "the path is longer than 5 bytes"],
    [new NetworkError.TimedOut({ deadline: "system" }), "the peer stopped answering; retry"],
    [new NetworkError.TimedOut({ deadline: "idle", after: 5 }), "within 5 ms"],
    [new NetworkError.UnexpectedEnd({ received: 5 }), "after 5 bytes before the delimiter"],
    [new NetworkError.UnexpectedEnd({ received: 5, expected: 6 }), "after 5 bytes of 6"],
    [new NetworkError.NoInheritedSocket({ found: [] }), "there is none"],
    [new NetworkError.NoInheritedSocket({ found: ["a", "b"] }), "there are a, b"],
    [
      new NetworkError.InvalidOption({ option: "a", value: undefined, expected: "b" }),
      "the option a is missing; expected b"
    ],
    [
      new NetworkError.InvalidOption({ option: "a", value: "c", expected: "b" }),
      "the option a cannot be \"c\"; expected b"
    ],
    [new NetworkError.InvalidOption({ option: "a", value: null, expected: "b" }), "cannot be null"],
    [new NetworkError.InvalidOption({ option: "a", value: 5, expected: "b" }), "cannot be 5"],
    [new NetworkError.InvalidOption({ option: "a", value: [5], expected: "b" }), "cannot be such a list"],
    [new NetworkError.InvalidOption({ option: "a", value: {}, expected: "b" }), "cannot be such an object"],
    [new UnusableCertificate({ option: "a", why: "b" }), "a is not usable: b; provide complete PEM text"],
    [new UnusableCertificate({ option: "a", why: "b", fix: "c" }), "a is not usable: b; c"]
  ])("tells what it knows of its reason, and no more: %#", (reason, told) => {
    const { message } = NetworkError.make("read", "here", reason)
    expect(message).toContain(told)
    expect(message).not.toMatch(/undefined|\[object/)
  })

  it("takes anything that was thrown", () => {
    expect(Transport.systemError({ operation: "read", address: "a", error: "odd" }).reason).toMatchObject({
      _tag: "Other",
      message: "odd"
    })
    expect(NetworkError.isNetworkError(system("EPIPE"))).toBe(true)
    expect(NetworkError.isNetworkError(new Error("EPIPE"))).toBe(false)
  })
})
