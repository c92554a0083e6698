import { describe, expect, it } from "vitest"
import { Fields, Malformed, parseJson } from "../../src/internal/kernel/tls/handshake/fields.ts"
import { type SavedSession, SessionMap, Tickets } from "../../src/internal/kernel/tls/handshake/sessions.ts"
import { RandomStream } from "../../src/internal/time/random.ts"

const session = (at: number): SavedSession => ({
  version: "TLSv1.3",
  cipher: "TLS_SHA256_SHA256",
  serverName: "server",
  chain: [],
  at
})

describe("the sessions that are kept", () => {
  it("are the last ones that were set, as many as is allowed", () => {
    const map = new SessionMap(2)
    const keys = (now = 10) => ["a", "b", "c"].filter((key) => map.get(key, now) !== undefined)
    map.set("a", session(1))
    map.set("b", session(2))
    expect(keys()).toEqual(["a", "b"])
    // What is set again is new.
    map.set("a", session(3))
    expect(map.get("a", 10)?.at).toBe(3)
    map.set("c", session(4))
    expect(keys()).toEqual(["a", "c"])
    const none = new SessionMap(0)
    none.set("a", session(1))
    expect(none.get("a", 1)).toBeUndefined()
  })

  it("live for five minutes, and not before they were begun", () => {
    const map = new SessionMap(2)
    map.set("a", session(1000))
    expect([1000, 300_999].map((now) => map.get("a", now)?.at)).toEqual([1000, 1000])
    expect(map.get("a", 301_000)).toBeUndefined()
    // It is forgotten, also when the clock steps back.
    expect(map.get("a", 1000)).toBeUndefined()
    map.set("a", session(1000))
    expect(map.get("a", 999)).toBeUndefined()
  })

  it("are redeemed by their own tickets, which nobody can guess from others", () => {
    const tickets = new Tickets(new RandomStream(1, "tickets"))
    const all = Array.from({ length: 100 }, (_, at) => tickets.issue(session(at)))
    expect(new Set(all).size).toBe(100)
    expect(all.every((ticket) => /^[\da-f]{32}$/.test(ticket))).toBe(true)
    expect(all.map((ticket) => tickets.redeem(ticket, 100)?.at)).toEqual(all.map((_, at) => at))
    expect(tickets.redeem("0".repeat(32), 100)).toBeUndefined()
    for (let more = 0; more < 10_000; more++) tickets.issue(session(100))
    expect(all.map((ticket) => tickets.redeem(ticket, 100))).toEqual(all.map(() => undefined))
  })
})

describe("the fields of a message", () => {
  const fails = (read: () => unknown) => {
    try {
      return read()
    } catch (error) {
      return error instanceof Malformed ? error.message : error
    }
  }
  const of = (value: unknown) => new Fields({ value })

  it("are texts of at most 1,024 characters, lists of at most 256, whole numbers and flags, or refused", () => {
    const texts = ["", "x".repeat(1024)]
    for (const text of texts) expect([of(text).text("value"), of(text).optionalText("value")]).toEqual([text, text])
    for (const bad of ["x".repeat(1025), 1, null, undefined]) {
      expect(fails(() => of(bad).text("value"))).toBe("value is not a text of at most 1024 characters")
    }
    expect(of(undefined).optionalText("value")).toBeUndefined()
    expect(fails(() => of(1).optionalText("value"))).toMatch(/not a text/)
    const list = (length: number) => new Array<string>(length).fill("x")
    for (const length of [0, 256]) expect(of(list(length)).texts("value")).toEqual(list(length))
    for (const bad of [list(257), "x", {}]) {
      expect(fails(() => of(bad).texts("value"))).toBe("value is not a list of at most 256")
    }
    expect(fails(() => of(["x", 1]).texts("value"))).toMatch(/not a text/)
    for (const number of [0, -1, 2 ** 53 - 1]) expect(of(number).number("value")).toBe(number)
    for (const bad of [0.5, 2 ** 53, "1", NaN]) {
      expect(fails(() => of(bad).number("value"))).toMatch(/not a whole number/)
    }
    for (const flag of [true, false]) expect(of(flag).flag("value")).toBe(flag)
    for (const bad of [0, "true", null]) expect(fails(() => of(bad).flag("value"))).toMatch(/neither true nor false/)
  })

  it("are own ones of an object", () => {
    expect(fails(() => new Fields({}).text("toString"))).toMatch(/not a text/)
    expect(new Fields({}).optionalText("constructor")).toBeUndefined()
    for (const bad of ["[]", "null", "1", "\"x\""]) expect(fails(() => parseJson(bad))).toBe("it is not an object")
    expect(fails(() => parseJson("{"))).toBe("it is not JSON")
    expect(parseJson("{\"a\":1}").number("a")).toBe(1)
  })
})
