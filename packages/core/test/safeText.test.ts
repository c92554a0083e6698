import { describe, expect, it } from "@effect/vitest"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import * as SafeText from "@sluice/framing/SafeText"
import * as Arbitrary from "effect/Arbitrary"
import * as NetAddress from "effect/net/NetAddress"
import * as Schema from "effect/Schema"

describe("SafeText", () => {
  it.each<[string, string]>([
    ["\u001b[2J", "\\x1b[2J"],
    ["a\nb\r\tc", "a\\nb\\r\\tc"],
    ["\u0000\u007f\u009b", "\\x00\\x7f\\x9b"],
    ["\u2028\u2029", "\\u{2028}\\u{2029}"],
    ["admin\u202eexe", "admin\\u{202e}exe"],
    ["ali\u034fce", "ali\\u{34f}ce"],
    ["\u3164", "\\u{3164}"],
    ["\u{e0041}", "\\u{e0041}"],
    ["\ud800", "\\u{d800}"],
    ["a\u200db\ufeff", "a\\u{200d}b\\u{feff}"]
  ])("escapes %j", (text, safe) => {
    expect(SafeText.escape(text)).toBe(safe)
  })

  it("leaves letters of all scripts as they are", () => {
    const text = "Zoë, Дмитрий, 山田, नमस्ते, สวัสดี, 😀 \\n"
    expect(SafeText.escape(text)).toBe(text)
  })

  it("is bounded, and cuts no escape or character in two", () => {
    expect(SafeText.escape("a".repeat(2000))).toBe("a".repeat(1000) + "…")
    expect(SafeText.escape("ab\u001b", { limit: 5 })).toBe("ab…")
    expect(SafeText.escape("a😀b", { limit: 2 })).toBe("a…")
    expect(SafeText.escape("", { limit: 0 })).toBe("")
    expect(["abc", "abcd", "ab\u001b"].map((text) => SafeText.escape(text, { limit: 3 }))).toEqual([
      "abc",
      "abc…",
      "ab…"
    ])
    expect(SafeText.escape("a\u001b", { limit: 5 })).toBe("a\\x1b")
    expect(["\u00ff\u00ad", "\u0100\u0600"].map((text) => SafeText.escape(text))).toEqual(["ÿ\\xad", "Ā\\u{600}"])
  })

  it("decodes bytes without the line ending at the end", () => {
    expect(SafeText.fromBytes(new TextEncoder().encode("héllo\r\n"))).toBe("héllo")
    expect(SafeText.fromBytes(Uint8Array.of(0x61, 0xff, 0x0a, 0x0a))).toBe("a\ufffd\\n")
    expect(SafeText.fromBytes(new Uint8Array(100_000).fill(0x61), { limit: 10 })).toBe("aaaaaaaaaa…")
  })

  it.prop("never lets an unsafe character through", [Arbitrary.schema(Schema.String)], ([text]) => {
    expect(SafeText.escape(text)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{DI}]/u)
  })
})

describe("text that a peer chose", () => {
  it("is safe in the messages of errors", () => {
    const { message } = NetworkError.make("read", "unix:///tmp/\u001b]0;title\u0007", new NetworkError.Closed())
    expect(message).toContain("/tmp/\\x1b]0;title\\x07")
    const long = NetworkError.make("read", "peer", new NetworkError.Other({ message: "x".repeat(100_000) })).message
    expect(long.length).toBeLessThanOrEqual(2001)
  })

  it("is safe in the path of a Unix-domain peer", () => {
    const peer = Transport.formatPeer({
      localAddress: NetAddress.unixPathAddress("/run/app.sock"),
      remoteAddress: NetAddress.unixPathAddress("/tmp/a\nWARN forged")
    })
    expect(peer).toBe("unix:///tmp/a\\nWARN forged")
  })
})
