import { describe, expect, it } from "@effect/vitest"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { reaches } from "../src/internal/udp/family.ts"
import { checkMembership } from "../src/internal/udp/membership.ts"

const inet = NetAddress.inetAddressFromStringUnsafe

const [all4, one4, all6, one6] = ["0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[fd00::1]:1"].map(inet)

describe("a socket of UDP reaches addresses", () => {
  it.each(
    [
      [all4!, [true, false, true, false]],
      [one4!, [true, false, true, false]],
      [all6!, [true, true, false, true]],
      [one6!, [false, true, false, true]]
    ] as const
  )("of its family, and from [::] of both unless it is of IPv6 alone: %s", (local, expected) => {
    const reached = [false, true].flatMap((only) => [one4!, one6!].map((address) => reaches(local, only, address)))
    expect(reached).toEqual(expected)
  })
})

describe("a membership", () => {
  const check = (local: NetAddress.InetAddress, group: string, source?: string, ipv6Only = false) => {
    const result = checkMembership({ group, source, interface: undefined }, local, ipv6Only, "udp://here:1")
    return Result.isSuccess(result) ? "joined" : result.failure.reason._tag
  }

  it("is of the family of the socket, or of any from [::], and its source of that of the group", () => {
    const [group4, group6] = ["239.1.2.3", "ff02::1234"] as const
    expect([check(all4!, group4), check(one6!, group6), check(all6!, group4)]).toEqual(["joined", "joined", "joined"])
    const mismatched = [
      check(all4!, group6),
      check(one6!, group4),
      check(all6!, group4, undefined, true),
      check(all4!, group4, "fd00::2"),
      check(all6!, group6, "10.0.0.2"),
      check(all6!, group4, "fd00::2")
    ]
    expect(new Set(mismatched)).toEqual(new Set(["AddressFamilyMismatch"]))
    expect([check(all4!, group4, "10.0.0.2"), check(all6!, group4, "10.0.0.2")]).toEqual(["joined", "joined"])
    expect([check(all4!, "10.0.0.1"), check(all4!, "group"), check(all4!, group4, "source")]).toEqual([
      "InvalidOption",
      "InvalidOption",
      "InvalidOption"
    ])
  })
})
