import { assert, describe, expect, it } from "@effect/vitest"
import { bestMatches, BindTable, type Bound, EphemeralPorts, takes } from "../../src/internal/kernel/ports.ts"
import { RandomStream } from "../../src/internal/time/random.ts"

const range = { first: 40_000, last: 40_009 }
const ephemeral = (seed = 1) => new EphemeralPorts(range, new RandomStream(seed, "ports"))
const bound = (address: string, options: Partial<Bound> = {}): Bound => ({
  address,
  port: 7,
  ipv6Only: false,
  reusePort: false,
  ...options
})
const only = { ipv6Only: true }
const shared = { reusePort: true }

describe("two sockets on one port", () => {
  it.each<[string, boolean, Bound, Bound]>([
    ["an address and itself", true, bound("10.0.0.1"), bound("10.0.0.1")],
    ["two addresses", false, bound("10.0.0.1"), bound("10.0.0.2")],
    ["all of IPv4, and one of it", true, bound("0.0.0.0"), bound("10.0.0.1")],
    ["all of IPv4, and one of IPv6", false, bound("0.0.0.0"), bound("::1")],
    ["all of IPv4 twice", true, bound("0.0.0.0"), bound("0.0.0.0")],
    ["all addresses twice", true, bound("::"), bound("::")],
    ["all addresses, and all of IPv6", true, bound("::"), bound("::", only)],
    ["all addresses, and all of IPv4", true, bound("::"), bound("0.0.0.0")],
    ["all of IPv6, and all of IPv4", false, bound("::", only), bound("0.0.0.0")],
    ["all addresses, and one of IPv4", true, bound("::"), bound("10.0.0.1")],
    ["all of IPv6, and one of IPv4", false, bound("::", only), bound("10.0.0.1")],
    ["all addresses, and one of IPv6", true, bound("::"), bound("::1")],
    ["all of IPv6, and one of it", true, bound("::", only), bound("::1")],
    ["one of each family", false, bound("::1"), bound("127.0.0.1")],
    ["both of which share the port", false, bound("10.0.0.1", shared), bound("10.0.0.1", shared)],
    ["one of which shares the port", true, bound("10.0.0.1", shared), bound("10.0.0.1")],
    ["two ports", false, bound("10.0.0.1"), bound("10.0.0.1", { port: 8 })]
  ])("%s: conflict %s (ip(7), ipv6(7), socket(7))", (_, conflict, a, b) => {
    for (const [first, second] of [[a, b], [b, a]] as const) {
      const table = new BindTable<Bound>(ephemeral())
      table.bind(first)
      expect(table.isTaken(second)).toBe(conflict)
      table.unbind(first)
      expect(table.isTaken(second)).toBe(false)
    }
  })
})

describe("a bound socket", () => {
  it("receives what is sent to its address, and a wildcard what is sent to its families", () => {
    const sockets = [bound("10.0.0.1"), bound("0.0.0.0"), bound("::1"), bound("::"), bound("::", only)]
    const receives = (address: string) => sockets.map((socket) => takes(socket, address))
    expect(receives("10.0.0.1")).toEqual([true, true, false, true, false])
    expect(receives("10.0.0.2")).toEqual([false, true, false, true, false])
    expect(receives("::1")).toEqual([false, false, true, true, true])
    expect(receives("fd00::1")).toEqual([false, false, false, true, true])
  })

  it("is chosen by its address before its family, and by its family before both", () => {
    const [exact, four, both, six] = [bound("10.0.0.1"), bound("0.0.0.0"), bound("::"), bound("::", only)]
    expect(bestMatches([both, four, exact], "10.0.0.1")).toEqual([exact])
    expect(bestMatches([both, four, exact], "10.0.0.2")).toEqual([four])
    expect(bestMatches([both, exact], "10.0.0.2")).toEqual([both])
    expect(bestMatches([both, four], "::1")).toEqual([both])
    expect(bestMatches([six, four], "10.0.0.2")).toEqual([four])
    expect(bestMatches([six], "10.0.0.2")).toEqual([])
    const two = [bound("10.0.0.1", shared), bound("10.0.0.1", shared)]
    expect(bestMatches([...two, four], "10.0.0.1")).toEqual(two)
  })
})

describe("the sockets of a table", () => {
  it("are those that were bound, and not unbound", () => {
    const table = new BindTable<Bound>(ephemeral())
    const [a, b, c] = [bound("10.0.0.1"), bound("10.0.0.2"), bound("10.0.0.1", { port: 8 })]
    for (const each of [a, b, c]) table.bind(each)
    expect([table.at(7), table.at(8), table.at(9)]).toEqual([[a, b], [c], []])
    table.unbind(a)
    expect([table.at(7), table.all]).toEqual([[b], [b, c]])
    table.unbind(b)
    expect(table.all).toEqual([c])
    table.clear()
    expect(table.all).toEqual([])
  })
})

describe("ephemeral ports", () => {
  it("are given in turn, each once before any twice, from a place that the seed chooses", () => {
    const first = new Set<number>()
    for (let seed = 0; seed < 100; seed++) {
      const ports = ephemeral(seed)
      const taken = Array.from({ length: 20 }, () => ports.take(() => false)!)
      first.add(taken[0]!)
      expect(new Set(taken.slice(0, 10))).toEqual(new Set(Array.from({ length: 10 }, (_, index) => 40_000 + index)))
      expect(taken.slice(10)).toEqual(taken.slice(0, 10))
    }
    expect(first.size).toBe(10)
  })

  it("are free ones, as long as there are any", () => {
    const table = new BindTable<Bound>(ephemeral())
    for (let count = 0; count < 10; count++) {
      const port = table.portFor(bound("10.0.0.1"))
      assert(port !== undefined)
      assert(!table.isTaken(bound("10.0.0.1", { port })))
      table.bind(bound("10.0.0.1", { port }))
    }
    expect(table.portFor(bound("10.0.0.1"))).toBeUndefined()
    expect(table.portFor(bound("0.0.0.0"))).toBeUndefined()
    expect(table.portFor(bound("10.0.0.2"))).toBeDefined()
  })
})
