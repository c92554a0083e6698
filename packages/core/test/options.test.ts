import { assert, describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Endpoint from "../src/Endpoint.ts"
import { checkAcceptPolicy } from "../src/internal/accept/acceptPolicy.ts"
import { checkQueue } from "../src/internal/broadcast/subscription.ts"
import { checkConnect, checkListen, checkTls } from "../src/internal/network/options.ts"
import { checkPolicy } from "../src/internal/server/policy.ts"
import { checkClient } from "../src/internal/tls/options.ts"
import { multicastInterface } from "../src/internal/udp/membership.ts"
import { checkBind } from "../src/internal/udp/options.ts"
import type * as NetworkError from "../src/NetworkError.ts"
import * as Options from "../src/Options.ts"

type Check = (options: Record<string, unknown>) => Result.Result<unknown, NetworkError.NetworkError>

const at = "tcp://127.0.0.1:7"
const connect: Check = (options) => checkConnect(options, at)
const listen: Check = (options) => checkListen(options, at)
const bind: Check = (options) => checkBind(options, at)
const server: Check = (options) => checkPolicy(options, at)
const accept: Check = (options) => checkAcceptPolicy(options, "listen", at)
const throwing = (check: (options: Record<string, unknown>) => unknown): Check => (options) =>
  Options.checked("configure", at, () => check(options))

/** The option that is to blame, if any is. */
const blamed = (check: Check, path: string, value: unknown): string | undefined => {
  const [name, inner] = path.split(".")
  const result = check({ [name!]: inner === undefined ? value : { trusted: ["unix"], [inner]: value } })
  if (Result.isSuccess(result)) return undefined
  assert(result.failure.reason._tag === "InvalidOption")
  return result.failure.reason.option
}

const safe = Number.MAX_SAFE_INTEGER

/** Whole numbers, with the lowest and the highest that is accepted. */
const integers: ReadonlyArray<readonly [string, Check, number, number]> = [
  ["localPort", connect, 0, 65_535],
  ["backlog", listen, 1, 65_535],
  ["mode", listen, 0, 0o777],
  ["proxyProtocol.limit", listen, 107, 65_551],
  ["ttl", bind, 1, 255],
  ["multicastTtl", bind, 0, 255],
  ["receiveBufferSize", bind, 1, 2_147_483_647],
  ["sendBufferSize", bind, 1, 2_147_483_647],
  ["queueCapacity", bind, 1, 2_147_483_647],
  ["maxConnections", server, 1, safe],
  ["maxConnectionsPerAddress", accept, 1, safe],
  ["ipv6PrefixLength", accept, 0, 128],
  ["acceptRate.burst", ({ acceptRate }) => accept({ acceptRate: { perSecond: 1, ...acceptRate as object } }), 1, 1e9],
  ["capacity", throwing(checkQueue), 1, 1_000_000],
  ["tls.sessions", ({ tls }) => throwing(checkClient)(tls as {}), 0, 1_000_000]
]

/** Durations, with the shortest and the longest in milliseconds. */
const durations: ReadonlyArray<readonly [string, Check, number, number]> = [
  ["connectTimeout", connect, 1, Infinity],
  ["attemptDelay", connect, 0, Infinity],
  ["closeTimeout", connect, 0, Infinity],
  ["closeTimeout", listen, 0, Infinity],
  ["keepAlive", connect, 1000, 32_767_000],
  ["handshakeTimeout", listen, 1, Infinity],
  ["proxyProtocol.timeout", listen, 1, Infinity],
  ["idleTimeout", server, 1, Infinity],
  ["readTimeout", server, 1, Infinity],
  ["writeTimeout", server, 1, Infinity],
  ["maxLifetime", server, 1, Infinity],
  ["drain", server, 0, Infinity],
  ["drain.grace", server, 0, Infinity],
  ["drain.idle", server, 1, Infinity]
]

describe("options that are whole numbers", () => {
  it.each(integers)("%s is accepted at both ends of its range, and not beyond", (name, check, lowest, highest) => {
    for (const value of [lowest, highest, undefined]) expect(blamed(check, name, value)).toBeUndefined()
    for (const value of [lowest - 1, highest + 1, lowest + 0.5, NaN, -Infinity, "1", {}]) {
      expect(blamed(check, name, value)).toBe(name)
    }
  })
})

describe("options that are durations", () => {
  it.each(durations)("%s is accepted at both ends of its range, and not beyond", (name, check, shortest, longest) => {
    const option = name === "drain" ? "drain.grace" : name
    const good = [shortest, Duration.millis(shortest), `${shortest} millis`, longest, "2 seconds", undefined]
    for (const value of good) expect(blamed(check, name, value)).toBeUndefined()
    const tooLong = longest === Infinity ? [] : [longest + 1, "Infinity"]
    const tooShort = shortest === 0 ? [] : [shortest - 0.5, 0, "0 seconds"]
    for (const value of [...tooLong, ...tooShort, NaN, "soon", "-1 second"]) {
      expect(blamed(check, name, value)).toBe(option)
    }
  })

  it("are given in milliseconds, and drain in any form", () => {
    const drain = (value: unknown) => {
      const { drainGrace, drainIdle } = Result.getOrThrow(checkPolicy({ drain: value as never }, at))
      return [drainGrace, drainIdle]
    }
    expect(drain("2 seconds")).toEqual([2000, undefined])
    expect(drain({ seconds: 3 })).toEqual([3000, undefined])
    expect(drain(Duration.seconds(4))).toEqual([4000, undefined])
    expect(drain({ grace: "5 millis" })).toEqual([5, undefined])
    expect(drain({ idle: 6 })).toEqual([5000, 6])
    expect(drain({ grace: 7, idle: 8 })).toEqual([7, 8])
    for (const nothing of [undefined, {}]) expect(drain(nothing)).toEqual([5000, undefined])
  })
})

describe("rates", () => {
  it.each(["acceptRate", "acceptRatePerAddress"])("%s is more than 0, and at most 10^9 a second", (name) => {
    for (const value of [1e-9, 0.5, 1e9, { perSecond: 1e9 }]) expect(blamed(accept, name, value)).toBeUndefined()
    for (const value of [0, -1, 1e9 + 1, NaN, Infinity]) expect(blamed(accept, name, value)).toBe(name)
  })
})

describe("options of one of several kinds", () => {
  it("are one of these", () => {
    for (const value of ["wait", "refuse", undefined]) expect(blamed(server, "whenFull", value)).toBeUndefined()
    for (const value of ["dropNewest", "dropOldest"]) expect(blamed(bind, "queueOverflow", value)).toBeUndefined()
    expect(blamed(server, "whenFull", "Wait")).toBe("whenFull")
    expect(blamed(bind, "queueOverflow", "disconnect")).toBe("queueOverflow")
    expect(blamed(throwing(checkQueue), "overflow", "wait")).toBe("overflow")
    expect(blamed(connect, "localAddress", "somewhere")).toBe("localAddress")
    expect(blamed(connect, "localAddress", "::1")).toBeUndefined()
  })

  it("switch keep-alive off, or leave it to the system", () => {
    const keepAlive = (value: unknown) => Result.getOrThrow(checkConnect({ keepAlive: value as never }, at)).keepAlive
    expect([false, undefined, "2 seconds"].map(keepAlive)).toEqual([undefined, undefined, 2000])
  })
})

describe("options", () => {
  it.each<readonly [string, Check, Record<string, unknown>]>([
    ["connect", connect, {
      noDelay: false,
      keepAlive: 2000,
      closeTimeout: 1,
      connectTimeout: 3,
      attemptDelay: 4,
      localPort: 5
    }],
    ["listen", listen, { noDelay: false, keepAlive: 2000, closeTimeout: 1, handshakeTimeout: 3, backlog: 4 }],
    ["listen, its switches", listen, { reusePort: true, ipv6Only: true, mode: 0o600 }],
    ["bind", bind, { ttl: 1, multicastTtl: 2, receiveBufferSize: 3, sendBufferSize: 4, queueCapacity: 5 }],
    ["bind, its switches", bind, {
      reuseAddress: true,
      reusePort: true,
      ipv6Only: true,
      broadcast: true,
      multicastLoopback: false
    }],
    ["server", server, {
      maxConnections: 1,
      whenFull: "refuse",
      idleTimeout: 2,
      readTimeout: 3,
      writeTimeout: 4,
      maxLifetime: 5
    }]
  ])("that are given are what counts, also where they are false: %s", (_, check, options) => {
    const checked = Result.getOrThrow(check(options)) as Record<string, unknown>
    expect(checked).toMatchObject(options)
    // No option of these is what it is by default.
    const defaults = Result.getOrThrow(check({})) as Record<string, unknown>
    for (const name of Object.keys(options)) expect([name, defaults[name]]).not.toEqual([name, checked[name]])
  })
})

describe("options of TLS", () => {
  const [tcp, tls] = ["tcp://127.0.0.1:7", "tls://127.0.0.1:7"].map((text) =>
    Result.getOrThrow(Endpoint.parse(text)) as Endpoint.StreamEndpoint
  )
  const inherited = Endpoint.inherited("tcp://127.0.0.1:7")
  const certificates = { certificates: [] } as never

  it.each(
    [
      ["tcp, connect", tcp, {}, "connect", undefined],
      ["tcp, listen", tcp, {}, "listen", undefined],
      ["tcp, with tls", tcp, { tls: {} }, "connect", "tls"],
      ["tcp, listen, with tls", tcp, { tls: certificates }, "listen", "tls"],
      ["tcp, with upgradeTls", tcp, { upgradeTls: certificates }, "listen", undefined],
      ["tls, connect", tls, {}, "connect", undefined],
      ["tls, connect, with tls", tls, { tls: {} }, "connect", undefined],
      ["tls, listen without certificates", tls, {}, "listen", "tls"],
      ["tls, listen", tls, { tls: certificates }, "listen", undefined],
      ["tls, listen, with upgradeTls", tls, { tls: certificates, upgradeTls: certificates }, "listen", "upgradeTls"],
      ["inherited, with and without", inherited, { tls: certificates, upgradeTls: certificates }, "listen", undefined],
      ["inherited", inherited, {}, "listen", undefined]
    ] as const
  )("fit the endpoint: %s", (_, endpoint, options, operation, option) => {
    const result = checkTls(endpoint!, options, operation, at)
    const reason = Result.isFailure(result) ? result.failure.reason : undefined
    expect(reason?._tag === "InvalidOption" ? reason.option : reason).toBe(option)
  })
})

describe("the interface of a multicast socket", () => {
  it.each(
    [
      ["IPv4", ["192.168.1.2", "0.0.0.0"], ["", "::", "eth0", "192.168.1", "192.168.1.2%eth0"]],
      ["IPv6", ["::%eth0", "fe80::1%2", "::"], ["", "::%", "::%a b", "::%a/b", "::%a%b", "eth0", "%eth0", "1.2.3.4"]]
    ] as const
  )("of %s is an address of that family, of IPv6 with a zone", (family, good, bad) => {
    for (const text of good) expect(multicastInterface("at", text, family)).toBe(text)
    for (const text of bad) {
      expect(blamed(throwing(() => multicastInterface("at", text, family)), "at", text)).toBe("at")
    }
  })

  it("of IPv6 may be its number", () => {
    expect(multicastInterface("at", 3, "IPv6")).toBe("::%3")
  })
})
