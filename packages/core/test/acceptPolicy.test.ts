import { assert, describe, expect, it } from "@effect/vitest"
import type * as ServerPolicy from "@sluice/core/ServerPolicy"
import * as Arbitrary from "effect/Arbitrary"
import type * as Clock from "effect/Clock"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { checkAcceptPolicy } from "../src/internal/accept/acceptPolicy.ts"
import { AccessControl } from "../src/internal/accept/accessControl.ts"
import { Buckets } from "../src/internal/accept/tokenBuckets.ts"
import { NetworkSet, prefixOf } from "../src/internal/address/networkSet.ts"

const check = (options: ServerPolicy.AcceptPolicy) => checkAcceptPolicy(options, "listen", "tcp://[::]:7")
const ip = NetAddress.ipFromStringUnsafe

/** Where the monotonic clock begins: after a month without a reboot, in milliseconds. */
const uptime = 30 * 86_400_000

/** Why a peer may not connect, if so. */
const refusal = (gate: AccessControl, remoteAddress: NetAddress.SocketAddress) => {
  const admitted = gate.admit({ remoteAddress })
  return typeof admitted === "string" ? admitted : undefined
}

/** Access control with a clock that is set by hand, and what it says of a peer at a time. */
const gateOf = (options: ServerPolicy.AcceptPolicy) => {
  let now = 0
  const gate = new AccessControl(
    Result.getOrThrow(check(options)),
    { monotonicTimeNanosUnsafe: () => BigInt((uptime + now) * 1e6) } as unknown as Clock.Clock
  )
  return {
    gate,
    refusal: (address: string, at = now) => {
      now = at
      return refusal(gate, NetAddress.inetAddressUnsafe(ip(address), 50_000))
    }
  }
}

describe("allow and deny", () => {
  it("accept addresses in allow and not in deny", () => {
    const { refusal } = gateOf({ allow: ["10.0.0.0/8", "2001:db8::/32"], deny: ["10.1.0.0/16", "10.2.3.4"] })
    expect(refusal("10.0.0.1")).toBeUndefined()
    expect(refusal("2001:db8::1")).toBeUndefined()
    expect(refusal("10.1.255.255")).toBe("deny")
    expect(refusal("10.2.3.4")).toBe("deny")
    expect(refusal("10.2.3.5")).toBeUndefined()
    expect(refusal("11.0.0.1")).toBe("allow")
    expect(refusal("2001:db9::1")).toBe("allow")
  })

  it("accept addresses outside deny without an allow, and none with an empty one", () => {
    expect(gateOf({ deny: ["192.0.2.0/24"] }).refusal("198.51.100.1")).toBeUndefined()
    expect(gateOf({ deny: ["192.0.2.0/24"] }).refusal("192.0.2.255")).toBe("deny")
    expect(gateOf({ allow: [] }).refusal("127.0.0.1")).toBe("allow")
    expect(gateOf({}).refusal("127.0.0.1")).toBeUndefined()
  })

  it("take an IPv4-mapped address for the IPv4 address that it maps, on the wire and in the lists", () => {
    expect(gateOf({ allow: ["10.0.0.0/8"] }).refusal("::ffff:10.1.2.3")).toBeUndefined()
    expect(gateOf({ deny: ["10.0.0.0/8"] }).refusal("::ffff:10.1.2.3")).toBe("deny")
    expect(gateOf({ allow: ["::ffff:10.0.0.0/104"] }).refusal("10.1.2.3")).toBeUndefined()
    expect(gateOf({ allow: ["::ffff:10.0.0.0/104"] }).refusal("11.1.2.3")).toBe("allow")
    expect(gateOf({ allow: ["::/0"] }).refusal("::ffff:10.1.2.3")).toBe("allow")
    expect(gateOf({ allow: ["::/0"] }).refusal("fe80::1")).toBeUndefined()
  })

  // cspell:ignore fffe
  it("take all IPv4-mapped addresses for all of IPv4, and a network around them for IPv6 alone", () => {
    expect(gateOf({ allow: ["::ffff:0:0/96"] }).refusal("203.0.113.1")).toBeUndefined()
    expect(gateOf({ allow: ["::ffff:0:0/96"] }).refusal("::1")).toBe("allow")
    expect(gateOf({ allow: ["::fffe:0:0/95"] }).refusal("203.0.113.1")).toBe("allow")
    expect(gateOf({ allow: ["::fffe:0:0/95"] }).refusal("::fffe:0:1")).toBeUndefined()
    expect(gateOf({ allow: ["::fffe:0:0/96"] }).refusal("::fffe:0:1")).toBeUndefined()
  })

  it("take networks and addresses as values too", () => {
    const { refusal } = gateOf({
      allow: [IpNetwork.fromStringUnsafe("10.0.0.0/8"), { address: "192.0.2.0", prefixLength: 24 }, ip("::1")]
    })
    expect(["10.9.9.9", "192.0.2.7", "::1", "::2"].map((address) => refusal(address))).toEqual([
      undefined,
      undefined,
      undefined,
      "allow"
    ])
  })

  it("do not apply to the peers of Unix-domain sockets", () => {
    const gate = gateOf({ allow: [], acceptRate: { perSecond: 1, burst: 1 }, acceptRatePerAddress: 1 }).gate
    const peer = NetAddress.unixPathAddress("")
    expect(refusal(gate, peer)).toBeUndefined()
    expect(refusal(gate, peer)).toBe("acceptRate")
  })

  const octet = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
  const ipv4 = Arbitrary.map(
    Arbitrary.array(octet, { minLength: 4, maxLength: 4 }),
    // Few values, so that networks and addresses meet.
    (octets) => NetAddress.ipv4FromBytesUnsafe(Uint8Array.from(octets, (octet) => octet & 0b1000_0001))
  )
  const ipv6 = Arbitrary.map(
    Arbitrary.array(octet, { minLength: 16, maxLength: 16 }),
    (octets) => NetAddress.ipv6FromBytesUnsafe(Uint8Array.from(octets, (octet, index) => index < 12 ? 0 : octet & 129))
  )

  it.prop("find what IpNetwork.contains finds", [
    Arbitrary.array(Arbitrary.all([ipv4, ipv6, octet]), { maxLength: 8 }),
    ipv4,
    ipv6
  ], ([entries, one, other]) => {
    const networks = entries.flatMap(([four, six, length]) => [
      IpNetwork.fromAddressUnsafe(four, length % 33),
      IpNetwork.fromAddressUnsafe(six, length % 129)
    ])
    const set = new NetworkSet(networks)
    for (const address of [one, other]) {
      expect(set.has(address)).toBe(networks.some((network) => IpNetwork.contains(network, address)))
    }
  }, { arbitrary: { runs: 500, seed: 1 } })
})

describe("a policy", () => {
  it("reads the address of a peer only if it has a rule", () => {
    const reads = (options: ServerPolicy.AcceptPolicy) => {
      let count = 0
      const { gate } = gateOf(options)
      gate.admit({
        get remoteAddress() {
          count++
          return NetAddress.inetAddressFromStringUnsafe("10.0.0.1:7")
        }
      })
      return count
    }
    for (const options of [{}, { deny: [] }, { ipv6PrefixLength: 64 }]) expect(reads(options)).toBe(0)
    for (
      const options of [
        { allow: [] },
        { deny: ["10.0.0.0/8"] },
        { acceptRate: 1 },
        { acceptRatePerAddress: 1 },
        { maxConnectionsPerAddress: 1 }
      ]
    ) expect(reads(options)).toBeGreaterThan(0)
  })
})

describe("accept rates", () => {
  it("let a burst through and then the rate", () => {
    const { refusal } = gateOf({ acceptRate: { perSecond: 10, burst: 3 } })
    const at = (times: ReadonlyArray<number>) => times.map((time) => refusal(`10.0.0.${time % 250}`, time))
    expect(at([0, 0, 0, 0])).toEqual([undefined, undefined, undefined, "acceptRate"])
    expect(at([99, 100, 100, 199, 200])).toEqual(["acceptRate", undefined, "acceptRate", "acceptRate", undefined])
    // Silence fills the bucket, and no more than that.
    expect(at([10_000, 10_000, 10_000, 10_000])).toEqual([undefined, undefined, undefined, "acceptRate"])
  })

  it("have a burst of a second's worth unless they say otherwise", () => {
    const burst = (rate: ServerPolicy.Rate) => {
      const { refusal } = gateOf({ acceptRate: rate })
      let count = 0
      while (refusal("10.0.0.1") === undefined) count++
      return count
    }
    expect([burst(5), burst(2.5), burst(0.1), burst({ perSecond: 7 })]).toEqual([5, 3, 1, 7])
    expect(burst(30_000)).toBe(30_000)
  })

  it("are each address's own, with IPv6 counted by its prefix", () => {
    const { refusal } = gateOf({ acceptRatePerAddress: 1 })
    expect(refusal("10.0.0.1")).toBeUndefined()
    expect(refusal("10.0.0.1")).toBe("acceptRatePerAddress")
    expect(refusal("::ffff:10.0.0.1")).toBe("acceptRatePerAddress")
    expect(refusal("10.0.0.2")).toBeUndefined()
    expect(refusal("2001:db8:0:1::1")).toBeUndefined()
    expect(refusal("2001:db8:0:1:ffff::2")).toBe("acceptRatePerAddress")
    expect(refusal("2001:db8:0:2::1")).toBeUndefined()
    expect(refusal("10.0.0.1", 999)).toBe("acceptRatePerAddress")
    expect(refusal("10.0.0.1", 1000)).toBeUndefined()
  })

  it("take nothing from others when one address tries too often", () => {
    const { refusal } = gateOf({ acceptRate: { perSecond: 1, burst: 2 }, acceptRatePerAddress: 1 })
    expect(refusal("10.0.0.1")).toBeUndefined()
    for (let attempt = 0; attempt < 10; attempt++) expect(refusal("10.0.0.1")).toBe("acceptRatePerAddress")
    expect(refusal("10.0.0.2")).toBeUndefined()
    expect(refusal("10.0.0.3")).toBe("acceptRate")
    // Whom the rate of all refused has not used up its own.
    expect(refusal("10.0.0.3", 1000)).toBeUndefined()
  })

  it("remember what was taken when the policy changes", () => {
    const { gate, refusal } = gateOf({ acceptRate: 1, acceptRatePerAddress: 1 })
    expect(refusal("10.0.0.1")).toBeUndefined()
    gate.update(Result.getOrThrow(check({ acceptRate: 1, acceptRatePerAddress: 1, deny: ["10.0.0.9"] })))
    expect(refusal("10.0.0.1")).toBe("acceptRatePerAddress")
    expect(refusal("10.0.0.2")).toBe("acceptRate")
    expect(refusal("10.0.0.9")).toBe("deny")
  })

  it("remember a bounded number of addresses, those that came last", () => {
    const buckets = new Buckets(100)
    for (let source = 0; source < 1000; source++) {
      buckets.set(source, 1e6, 0)
      buckets.set(0, 1e6, 0)
    }
    expect(buckets.size).toBe(100)
    expect([buckets.get(0), buckets.get(999), buckets.get(1)]).toEqual([1e6, 1e6, -Infinity])
    // What is full again is forgotten as others come.
    for (let source = 2000; source < 2060; source++) buckets.set(source, 3e6, 2e6)
    expect(buckets.size).toBe(60)
  })

  it("allow what IPv6 counts as one address to be chosen", () => {
    const address = ip("2001:db8:1:2:3:4:5:6")
    expect(prefixOf(address, 128)).toBe(0x20010db8000100020003000400050006n)
    expect(prefixOf(address, 48)).toBe(0x20010db80001n)
    expect(prefixOf(address, 0)).toBe(0n)
    expect([32, 24, 0].map((length) => prefixOf(ip("255.1.2.3"), length))).toEqual([0xff010203, 0xff0102, 0])
    const { refusal } = gateOf({ acceptRatePerAddress: 1, ipv6PrefixLength: 48 })
    expect(refusal("2001:db8:1:2::1")).toBeUndefined()
    expect(refusal("2001:db8:1:3::1")).toBe("acceptRatePerAddress")
    expect(refusal("2001:db8:2:2::1")).toBeUndefined()
  })
})

describe("invalid options", () => {
  it.each<[ServerPolicy.AcceptPolicy, string, unknown]>([
    [{ allow: ["10.0.0.1/8"] }, "allow", "10.0.0.1/8"],
    [{ allow: ["10.0.0.0/33"] }, "allow", "10.0.0.0/33"],
    [{ deny: ["example.org"] }, "deny", "example.org"],
    [{ deny: "10.0.0.0/8" as never }, "deny", "10.0.0.0/8"],
    [{ acceptRate: 0 }, "acceptRate", 0],
    [{ acceptRate: Number.NaN }, "acceptRate", Number.NaN],
    [{ acceptRatePerAddress: { perSecond: -1 } }, "acceptRatePerAddress", -1],
    [{ acceptRatePerAddress: { perSecond: 1, burst: 0 } }, "acceptRatePerAddress.burst", 0],
    [{ acceptRate: { perSecond: 1, burst: 1.5 } }, "acceptRate.burst", 1.5],
    [{ ipv6PrefixLength: 129 }, "ipv6PrefixLength", 129],
    [{ ipv6PrefixLength: -1 }, "ipv6PrefixLength", -1]
  ])("%j is a typed error", (options, option, value) => {
    const result = check(options)
    assert(Result.isFailure(result))
    expect(result.failure.reason).toMatchObject({ _tag: "InvalidOption", option, value })
  })
})
