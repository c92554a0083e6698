import { describe, expect, it } from "@effect/vitest"
import * as Framing from "@sluice/framing/Framing"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Command from "../../src/chat/protocol/Command.ts"
import * as Line from "../../src/chat/protocol/Line.ts"
import * as Name from "../../src/chat/protocol/Name.ts"
import * as Telnet from "../../src/chat/protocol/Telnet.ts"
import * as Text from "../../src/chat/protocol/Text.ts"
import { TokenBucket } from "../../src/chat/protocol/TokenBucket.ts"
import * as Wire from "../../src/chat/protocol/Wire.ts"
import * as Lookalike from "../../src/chat/server/Lookalike.ts"
import type { Member } from "../../src/chat/server/Member.ts"
import { Names } from "../../src/chat/server/Names.ts"

const name = Schema.decodeResult(Name.Name)

/** Text of what is dangerous, and what is not. */
const anyText = Arbitrary.map(
  Arbitrary.array(
    Arbitrary.schema(
      Schema.Literals([..."\x00\x07\t\r\x1b[]()\\;?0m<>*-! axé日🦊\x7f\x85\x90\x9b\x9c\x9d\u061c\u2028\u202e\u2066"])
    ),
    { maxLength: 40 }
  ),
  (characters) => characters.join("")
)

describe("names", () => {
  it.each(["alice", "Ärger", "Ολυμπία", "小明", "नमस्ते", "_x-1.2", "a".repeat(20), "7"])("%s is one", (text) => {
    expect(Result.isSuccess(name(text))).toBe(true)
  })

  it.each([
    ["", "nothing"],
    ["a b", "a space"],
    ["a\u00a0b", "a no-break space"],
    ["-a", "a hyphen first"],
    ["a".repeat(21), "too long"],
    ["a\u202eb", "an override"],
    ["a\u200db", "a joiner"],
    ["a\x1bb", "an escape"],
    ["<b>", "brackets"],
    ["a,b", "a comma"],
    ["a" + "\u0301".repeat(8), "stacked marks"],
    ["🦊", "an emoji"],
    ["ali\u034fce", "a mark that nobody sees"],
    ["\u3164", "a letter that nobody sees"],
    ["a\ufe0fb", "a variation selector"],
    ["a\u{e0100}b", "a variation selector beyond the BMP"]
  ])("%j is none: %s", (text) => {
    expect(Result.isFailure(name(text))).toBe(true)
  })

  it("counts characters, not code units", () => {
    expect(Result.isSuccess(name("𝒜".repeat(20)))).toBe(true)
    expect(Result.isSuccess(name("𠮷".repeat(20)))).toBe(true)
    expect(Result.isFailure(name("𠮷".repeat(21)))).toBe(true)
  })

  it("are normalized", () => {
    expect(name("A\u0308rger")).toEqual(Result.succeed("Ärger"))
    expect(name("ﬁsh")).toEqual(Result.succeed("fish"))
    expect(name("ａｌｉｃｅ")).toEqual(Result.succeed("alice"))
  })

  it.each([["Alice", "aLICE"], ["Straße", "STRASSE"], ["Σίσυφος", "ΣΊΣΥΦΟΣ"], ["ﬁsh", "FISH"], [
    "ÄRGER",
    "a\u0308rger"
  ]])(
    "%s is %s",
    (a, b) => {
      expect(Name.fold(a)).toBe(Name.fold(b))
    }
  )
})

describe("names that look alike", () => {
  const taken = (...names: ReadonlyArray<string>) => {
    const all = new Names()
    return names.map((text) => {
      const member = { name: all.guest() } as Member
      all.assign(member)
      return all.rename(member, Result.getOrThrow(name(text)))
    })
  }

  it.each([
    ["alice", "ALICE"],
    ["alice", "\u0430lice"], // Cyrillic a
    ["alice", "aIice"], // capital I
    ["paypal", "paypa1"],
    ["bob", "b0b"],
    ["scope", "\u0455\u0441\u043e\u0440\u0435"]
  ])("%s and %s belong to one member", (first, second) => {
    expect(taken(first, second)).toEqual([true, false])
    expect(taken(second, first)).toEqual([true, false])
    expect(Lookalike.key(first)).toBe(Lookalike.key(second))
  })

  it("do not keep out others", () => {
    expect(taken("ian", "lan", "alice", "malice", "小明", "小名", "Ärger", "Arger")).not.toContain(false)
  })

  it("are free again when they are given up, and are found as they are written", () => {
    const all = new Names()
    const [ian, lan] = ["ian", "lan"].map((text) => {
      const member = { name: all.guest() } as Member
      all.assign(member)
      all.rename(member, Result.getOrThrow(name(text)))
      return member
    })
    expect(all.find("IAN")).toBe(ian)
    expect(all.find("lan")).toBe(lan)
    expect(all.size).toBe(2)
    all.release("lan")
    expect(all.find("lan")).toBeUndefined()
    expect(all.rename(ian!, Result.getOrThrow(name("Ian")))).toBe(true)
    expect(all.size).toBe(1)
  })
})

describe("text", () => {
  it.each([
    ["plain, ünïcödé, 👩‍👩‍👧", "plain, ünïcödé, 👩‍👩‍👧"],
    ["\x1b[31mred\x1b[0m", "red"],
    ["\x1b]0;a title\x07after", "after"],
    ["\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"],
    ["\x1bPq#0\x1b\\sixel", "sixel"],
    ["\x9b2Jc1", "c1"],
    ["\x1b]0;a title\x1b[31mred", "red"],
    ["\x1bcreset", "reset"],
    ["\x1b", ""],
    ["a\x00b\x07c\x7fd\x85e", "abcde"],
    ["a\tb", "a b"],
    ["back\rward", "backward"],
    ["\u202eevil\u2066", "evil"],
    ["line\u2028break", "linebreak"]
  ])("%j becomes %j", (dirty, expected) => {
    expect(Text.clean(dirty)).toBe(expected)
  })

  it.prop("nothing that controls a terminal is left", [anyText], ([text]) => {
    expect(Text.clean(`${text}\x1b[${text}\x9d${text}`)).not.toMatch(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u)
  })

  it("costs no more for being hostile", () => {
    const cost = (text: string) => {
      const begun = performance.now()
      Text.clean(text)
      return performance.now() - begun
    }
    const hostile = `${"\x9d".repeat(30_000)}\x1bq`
    // The least of some, which no other process has delayed.
    expect(Math.min(...Array.from({ length: 5 }, () => cost(hostile)))).toBeLessThan(200)
  })

  it("keeps half characters from becoming others", () => {
    expect(Text.decode(Uint8Array.of(0x61, 0xc3, 0x62, 0xff, 0xf0, 0x9f))).toBe("a\ufffdb\ufffd\ufffd")
  })
})

describe("commands", () => {
  it.each<[string, Command.Command]>([
    ["hello there", { _tag: "Say", text: "hello there" }],
    ["//not a command", { _tag: "Say", text: "/not a command" }],
    [" /not either", { _tag: "Say", text: " /not either" }],
    ["/nick  alice ", { _tag: "Nick", name: name("alice").pipe(Result.getOrThrow) }],
    ["/NICK alice", { _tag: "Nick", name: name("alice").pipe(Result.getOrThrow) }],
    ["/join lobby", { _tag: "Join", room: name("lobby").pipe(Result.getOrThrow) }],
    ["/msg bob  two  words", { _tag: "Msg", name: name("bob").pipe(Result.getOrThrow), text: "two  words" }],
    ["/msg bob bob bob", { _tag: "Msg", name: name("bob").pipe(Result.getOrThrow), text: "bob bob" }],
    ["/me waves", { _tag: "Me", text: "waves" }],
    ["/quit", { _tag: "Quit" }],
    ["/leave now", { _tag: "Leave" }],
    ["/rejoin lobby 1795749152033", {
      _tag: "Rejoin",
      room: name("lobby").pipe(Result.getOrThrow),
      at: "1795749152033"
    }],
    ["/token 0123456789abcdef", { _tag: "Token", secret: "0123456789abcdef" }]
  ])("%s", (line, command) => {
    expect(Command.parse(line)).toEqual(Result.succeed(command))
    expect(Command.parse(Command.format(command))).toEqual(Result.succeed(command))
  })

  it.each([
    ["/frobnicate", "there is no command /frobnicate: /help lists them"],
    ["/constructor", "there is no command /constructor: /help lists them"],
    ["/", "there is no command /: /help lists them"],
    ["/nick", "it goes like this: /nick NAME"],
    ["/nick two words", "it goes like this: /nick NAME"],
    ["/msg bob", "it goes like this: /msg NAME TEXT"],
    ["/me", "it goes like this: /me TEXT"],
    [`/nick ${"x".repeat(21)}`, "a name has at most 20 characters, and this one 21"],
    ["/rejoin lobby soon", "a time is a number of milliseconds since 1970"],
    ["/token short", "a token has 16 to 64 letters and digits"],
    ["/join #room", expect.stringContaining("a name is made of letters")],
    ["x".repeat(1001), "that is too long: 1000 characters at most"]
  ])("%s is answered", (line, answer) => {
    expect(Command.parse(line)).toEqual(Result.fail(answer))
  })

  it("lets as many characters be said as it says", () => {
    expect(Result.isSuccess(Command.parse("🦊".repeat(1000)))).toBe(true)
    expect(Result.isFailure(Command.parse("🦊".repeat(1001)))).toBe(true)
  })
})

describe("lines of the server", () => {
  const lines: ReadonlyArray<Line.Line> = [
    Line.Said({ name: "alice", text: "<bob> -- hi  there" }),
    Line.Acted({ name: "alice", text: "waves" }),
    Line.Past({ at: Date.UTC(2026, 1, 3, 4, 5), spoken: Line.Said({ name: "alice", text: "[from eve] hi" }) }),
    Line.Past({ at: 0, spoken: Line.Acted({ name: "alice", text: "waves" }) }),
    Line.Whispered({ from: "alice", text: "psst" }),
    Line.Sent({ to: "bob", text: "psst" }),
    Line.Joined({ name: "alice" }),
    Line.Left({ name: "alice", why: "connection lost" }),
    Line.Renamed({ from: "alice", to: "bob" }),
    Line.Present({ room: "lobby", names: ["alice", "bob"], more: 0 }),
    Line.Present({ room: "lobby", names: ["alice", "bob"], more: 7 }),
    Line.Rooms({ rooms: [{ name: "lobby", people: 2, last: 0 }, { name: "小明", people: 1, last: 0 }], more: 0 }),
    Line.Rooms({ rooms: [{ name: "lobby", people: 2, last: 0 }], more: 3 }),
    Line.Called({ name: "alice" }),
    Line.Limits({ burst: 10, refill: 500 }),
    Line.Ping({ seconds: 60 }),
    Line.Pong({ token: "x-1" }),
    Line.Notice({ text: "goodbye" }),
    Line.Refusal({ text: "no" }),
    Line.nameTaken("小明"),
    Line.tooFast(250)
  ]

  it.each(lines)("$_tag comes back as it was", (line) => {
    expect(Line.parse(Line.format(line))).toEqual(line)
  })

  it("covers every kind", () => {
    expect(new Set(lines.map(({ _tag }) => _tag)).size).toBe(16)
  })

  it.prop("nobody speaks in the name of another, or of the server", [anyText], ([text]) => {
    const clean = Text.clean(`x${text}x`)
    for (const spoken of [Line.Said({ name: "eve", text: clean }), Line.Acted({ name: "eve", text: clean })]) {
      expect(Line.parse(Line.format(spoken))).toEqual(spoken)
    }
  })

  it("what is strange is a notice", () => {
    expect(Line.parse("Welcome to another server")).toEqual(Line.Notice({ text: "Welcome to another server" }))
    expect(Line.parse("[2026-99-99 00:00] <a> b")).toEqual(Line.Notice({ text: "[2026-99-99 00:00] <a> b" }))
  })
})

describe("telnet", () => {
  it("takes commands out, and turns options down", () => {
    const line = Uint8Array.from([0x61, 255, 253, 6, 0x62, 255, 251, 31, 255, 250, 24, 0, 65, 255, 240, 0x63, 255, 244])
    const { answer, bytes } = Telnet.strip(line)
    expect(Text.decode(bytes)).toBe("abc")
    expect(answer).toEqual(Uint8Array.of(255, 252, 6, 255, 254, 31))
  })

  it.each([[[255]], [[255, 253]], [[255, 250, 1]], [[255, 255]], [[255, 254, 1]]])("%j is no answer", (bytes) => {
    expect(Telnet.strip(Uint8Array.from([0x61, ...bytes]))).toEqual({ bytes: Uint8Array.of(0x61), answer: undefined })
  })
})

describe("rates", () => {
  it("allow a burst, and then one a refill, to the millisecond", () => {
    const bucket = new TokenBucket({ burst: 3, refill: 100 })
    expect([0, 0, 0].map((now) => bucket.take(now))).toEqual([0, 0, 0])
    expect(bucket.take(0)).toBe(100)
    expect(bucket.take(99)).toBe(1)
    expect(bucket.take(100)).toBe(0)
    expect(bucket.take(100)).toBe(100)
    expect(bucket.take(350)).toBe(0)
    expect(bucket.take(350)).toBe(0)
    expect(bucket.take(350)).toBe(50)
  })

  it("never allow more than the burst, however long nothing came", () => {
    const bucket = new TokenBucket({ burst: 2, refill: 1 })
    expect([1e9, 1e9, 1e9].map((now) => bucket.take(now))).toEqual([0, 0, 1])
  })

  it("allow anything when there is no limit", () => {
    const bucket = new TokenBucket({ burst: 1, refill: 0 })
    expect(Array.from({ length: 1000 }, () => bucket.take(0)).every((wait) => wait === 0)).toBe(true)
  })
})

describe("the wire", () => {
  const decode = (...chunks: ReadonlyArray<string | Uint8Array>) =>
    Result.getOrThrow(
      Framing.decodeAll(Wire.server, chunks.map((chunk) => typeof chunk === "string" ? Buffer.from(chunk) : chunk))
    )

  it("takes lines as nc and telnet send them", () => {
    expect(decode("one\ntwo\r\nthree \n").map(Result.getOrThrow)).toEqual(
      ["one", "two", "three"].map((text) => ({ text, answer: undefined, isLast: false }))
    )
  })

  it("answers for a line that is too long, and continues", () => {
    const [first, second] = decode("x".repeat(20_000), "x".repeat(20_000) + "\nafter\n")
    expect(Result.isFailure(first!)).toBe(true)
    expect(Result.getOrThrow(second!).text).toBe("after")
  })

  it("has room for the longest text of the longest name", () => {
    const name = "𠮷\u0301\u0302\u0303".repeat(20)
    const spoken = Line.Said({ name, text: "𠮷".repeat(1000) })
    const bytes = Result.getOrThrow(Framing.encodeAll(Wire.server, [Line.Past({ at: 0, spoken })]))
    expect(Framing.decodeAll(Wire.client, bytes)).toEqual(Result.succeed([Line.Past({ at: 0, spoken })]))
  })
})
