import { assert, describe, it } from "@effect/vitest"
import * as ProxyProtocol from "@sluice/core/ProxyProtocol"
import * as Arbitrary from "effect/Arbitrary"
import * as Bytes from "effect/Bytes"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { byte, bytes, headers } from "./headers.ts"

const encode = (header: ProxyProtocol.Header) => Result.getOrThrow(ProxyProtocol.encode(header))

/** What comes of bytes that are all there: the header and what is behind it, or the fault, or nothing yet. */
const decodeWhole = (input: Uint8Array) =>
  Result.match(ProxyProtocol.decode(input), {
    onFailure: ({ reason }) => ({ fault: reason }),
    onSuccess: Option.match({
      onNone: () => "unfinished" as const,
      onSome: ({ header, size }) => ({ header, size })
    })
  })

/** The same, when they come in pieces: what is told at the first piece after which something is. */
const decodePieces = (input: Uint8Array, ends: ReadonlyArray<number>): ReturnType<typeof decodeWhole> => {
  for (const end of ends) {
    const outcome = decodeWhole(input.subarray(0, end))
    if (outcome !== "unfinished") return outcome
  }
  return decodeWhole(input)
}

const everyByte = (input: Uint8Array) => input.keys().map((index) => index + 1).toArray()

const options = (runs: number, seed: number) => ({ arbitrary: { runs, seed, size: 400 } })

describe("PROXY headers", () => {
  it.prop("what is encoded is decoded, and what is behind it is left alone", [headers, bytes(20)], ([header, rest]) => {
    const encoded = encode(header)
    assert.deepStrictEqual(decodeWhole(Bytes.concat([encoded, rest])), { header, size: encoded.length })
  }, options(1000, 1))

  it.prop("how it was split changes nothing", [headers, bytes(20), Arbitrary.array(byte, { maxLength: 6 })], (
    [header, rest, cuts]
  ) => {
    const input = Bytes.concat([encode(header), rest])
    const ends = cuts.map((cut) => cut * 7919 % (input.length + 1)).toSorted((a, b) => a - b)
    assert.deepStrictEqual(decodePieces(input, ends), decodeWhole(input))
    assert.deepStrictEqual(decodePieces(input, everyByte(input)), decodeWhole(input))
  }, options(300, 2))

  it.prop("a part of it is never taken for the whole, nor for a fault", [headers], ([header]) => {
    const encoded = encode(header)
    for (let length = 0; length < encoded.length; length++) {
      assert.strictEqual(decodeWhole(encoded.subarray(0, length)), "unfinished")
    }
  }, options(200, 3))

  it.prop("changed bytes give a header or a fault, the same for any split", [
    headers,
    Arbitrary.array(Arbitrary.all([byte, byte]), { minLength: 1, maxLength: 4 })
  ], ([header, changes]) => {
    const input = encode(header)
    for (const [place, value] of changes) input[place * 7919 % input.length] = value
    const outcome = decodeWhole(input)
    assert.deepStrictEqual(decodePieces(input, everyByte(input)), outcome)
    if (outcome === "unfinished" || "fault" in outcome) return
    // What was decoded can be written, and is read again as the same.
    const again = encode(outcome.header)
    assert.deepStrictEqual(decodeWhole(again), { header: outcome.header, size: again.length })
  }, options(2000, 4))

  it.prop("bytes behind either signature give a header or a fault", [byte, bytes(60)], ([which, rest]) => {
    const begun = which < 128 ? encode(ProxyProtocol.local).subarray(0, 13) : new TextEncoder().encode("PROXY TCP")
    const input = Bytes.concat([begun, rest])
    assert.deepStrictEqual(decodePieces(input, everyByte(input)), decodeWhole(input))
  }, options(1000, 5))

  it.prop(
    "a checksum finds every changed byte behind it or before",
    [headers, byte, byte],
    ([header, place, value]) => {
      if (ProxyProtocol.tlv(header, "Crc32c") === undefined) return
      const input = encode(header)
      // The first 16 bytes say where everything lies, and so what else is wrong.
      const at = 16 + place * 7919 % (input.length - 16)
      if (input[at] === value) return
      input[at] = value
      assert.isTrue("fault" in Object(decodeWhole(input)))
    },
    options(500, 6)
  )
})

describe("what decoding would not give back, encoding refuses", () => {
  const refused = (header: ProxyProtocol.Header, tag: ProxyProtocol.Reason["_tag"], limit?: number) => {
    const result = ProxyProtocol.encode(header, { limit })
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) assert.strictEqual(result.failure.reason._tag, tag, result.failure.message)
  }

  const inet = Result.getOrThrow(Result.map(
    ProxyProtocol.decode(new TextEncoder().encode("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")),
    (decoded) => Option.getOrThrow(decoded).header
  ))
  const v2 = (tlvs: ReadonlyArray<ProxyProtocol.Tlv>) => ({ ...inet, version: 2 as const, tlvs })
  const noop: ProxyProtocol.Noop = { _tag: "Noop", value: new Uint8Array(0) }
  const ssl: ProxyProtocol.Ssl = {
    _tag: "Ssl",
    ssl: true,
    certificateInSession: false,
    certificateOnConnection: false,
    verify: 0,
    others: []
  }

  it("headers that contradict themselves", () => {
    refused({ ...inet, version: 3 as 2 }, "InvalidHeader")
    refused({ ...inet, command: "LOCAL" }, "InvalidHeader")
    refused({ ...ProxyProtocol.local, version: 1 }, "InvalidHeader")
    refused({ ...inet, family: "INET6" }, "InvalidHeader")
    refused({ ...inet, addresses: undefined }, "InvalidHeader")
    refused({ ...ProxyProtocol.unknown(1), addresses: inet.addresses }, "InvalidHeader")
    refused({ ...inet, protocol: "DGRAM" }, "InvalidHeader")
    refused({ ...inet, tlvs: [noop] }, "InvalidHeader")
    refused({ ...ProxyProtocol.unknown(2), family: "INET", tlvs: [noop] }, "InvalidHeader")
    refused({ ...v2([]), family: "INET9" as "INET" }, "InvalidHeader")
  })

  it("records that are none", () => {
    refused(v2([{ _tag: "Crc32c" }, { _tag: "Crc32c" }]), "InvalidTlv")
    refused(v2([{ _tag: "UniqueId", value: new Uint8Array(129) }]), "InvalidTlv")
    refused(v2([{ _tag: "Authority", name: "\ud800" }]), "InvalidTlv")
    refused(v2([{ _tag: "NetworkNamespace", name: "ä" }]), "InvalidTlv")
    refused(v2([{ _tag: "Alpn", protocol: "€" }]), "InvalidTlv")
    refused(v2([{ _tag: "Other", type: 0x02, value: new Uint8Array(0) }]), "InvalidTlv")
    refused(v2([{ _tag: "Other", type: 256, value: new Uint8Array(0) }]), "InvalidHeader")
    refused(v2([{ ...ssl, verify: -1 }]), "InvalidTlv")
    refused(v2([{ ...ssl, cipher: "ä" }]), "InvalidTlv")
    refused(v2([{ ...ssl, others: [{ _tag: "Other", type: 0x21, value: new Uint8Array(0) }] }]), "InvalidTlv")
    refused(v2([{ _tag: "Noop", value: new Uint8Array(70_000) }]), "InvalidTlv")
  })

  it("headers that are too long", () => {
    refused(inet, "HeaderTooLong", 35)
    refused(v2([{ _tag: "Noop", value: new Uint8Array(16_384) }]), "HeaderTooLong")
    refused(v2([{ _tag: "Noop", value: new Uint8Array(65_530) }]), "HeaderTooLong", ProxyProtocol.maxLimit)
    const longest = v2([{ _tag: "Noop", value: new Uint8Array(65_535 - 12 - 3) }])
    assert.strictEqual(
      Result.getOrThrow(ProxyProtocol.encode(longest, { limit: ProxyProtocol.maxLimit })).length,
      ProxyProtocol.maxLimit
    )
  })
})
