import { assert, describe, it } from "@effect/vitest"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import type * as ProxyProtocolError from "@sluice/proxy/ProxyProtocolError"
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

const everyByte = (input: Uint8Array) => Array.from(input, (_, index) => index + 1)

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

  it.prop("a checksum finds a changed address", [headers, byte, byte], ([header, place, change]) => {
    if (header.addresses === undefined || header.family === "UNIX" || change === 0) return
    const tlvs = header.tlvs.filter(({ _tag }) => _tag !== "Crc32c")
    const input = encode({ ...header, version: 2, tlvs: [...tlvs, { _tag: "Crc32c" }] })
    input[16 + place % 12]! ^= change
    assert.nestedPropertyVal(decodeWhole(input), "fault._tag", "ChecksumMismatch")
  }, options(500, 6))
})

describe("what decoding would not give back, encoding refuses", () => {
  const faultOf = (header: ProxyProtocol.Header, limit?: number): ProxyProtocolError.Reason["_tag"] | undefined =>
    Result.match(ProxyProtocol.encode(header, { limit }), {
      onFailure: ({ reason }) => reason._tag,
      onSuccess: () => undefined
    })

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
    assert.strictEqual(faultOf({ ...inet, version: 3 as 2 }), "InvalidHeader")
    assert.strictEqual(faultOf({ ...inet, command: "LOCAL" }), "InvalidHeader")
    assert.strictEqual(faultOf({ ...ProxyProtocol.local, version: 1 }), "InvalidHeader")
    assert.strictEqual(faultOf({ ...inet, family: "INET6" }), "InvalidHeader")
    assert.strictEqual(faultOf({ ...inet, addresses: undefined }), "InvalidHeader")
    assert.strictEqual(faultOf({ ...ProxyProtocol.unknown(1), addresses: inet.addresses }), "InvalidHeader")
    assert.strictEqual(faultOf({ ...inet, protocol: "DGRAM" }), "InvalidHeader")
    assert.strictEqual(faultOf({ ...inet, tlvs: [noop] }), "InvalidHeader")
    assert.strictEqual(faultOf({ ...ProxyProtocol.unknown(2), family: "INET", tlvs: [noop] }), "InvalidHeader")
    assert.strictEqual(faultOf({ ...v2([]), family: "INET9" as "INET" }), "InvalidHeader")
  })

  it("records that are none", () => {
    assert.strictEqual(faultOf(v2([{ _tag: "Crc32c" }, { _tag: "Crc32c" }])), "InvalidTlv")
    assert.strictEqual(faultOf(v2([{ _tag: "UniqueId", value: new Uint8Array(129) }])), "InvalidTlv")
    assert.strictEqual(faultOf(v2([{ _tag: "Authority", name: "\ud800" }])), "InvalidTlv")
    assert.strictEqual(faultOf(v2([{ _tag: "NetworkNamespace", name: "ä" }])), "InvalidTlv")
    assert.strictEqual(faultOf(v2([{ _tag: "Alpn", protocol: "€" }])), "InvalidTlv")
    assert.strictEqual(faultOf(v2([{ _tag: "Other", type: 0x02, value: new Uint8Array(0) }])), "InvalidTlv")
    assert.strictEqual(faultOf(v2([{ _tag: "Other", type: 256, value: new Uint8Array(0) }])), "InvalidHeader")
    assert.strictEqual(faultOf(v2([{ ...ssl, verify: -1 }])), "InvalidTlv")
    assert.strictEqual(faultOf(v2([{ ...ssl, cipher: "ä" }])), "InvalidTlv")
    assert.strictEqual(
      faultOf(v2([{ ...ssl, others: [{ _tag: "Other", type: 0x21, value: new Uint8Array(0) }] }])),
      "InvalidTlv"
    )
    assert.strictEqual(faultOf(v2([{ _tag: "Noop", value: new Uint8Array(70_000) }])), "InvalidTlv")
  })

  it("headers that are too long", () => {
    assert.strictEqual(faultOf(inet, 35), "HeaderTooLong")
    assert.strictEqual(faultOf(v2([{ _tag: "Noop", value: new Uint8Array(16_384) }])), "HeaderTooLong")
    assert.strictEqual(
      faultOf(v2([{ _tag: "Noop", value: new Uint8Array(65_530) }]), ProxyProtocol.maxLimit),
      "HeaderTooLong"
    )
    const longest = v2([{ _tag: "Noop", value: new Uint8Array(65_535 - 12 - 3) }])
    assert.strictEqual(
      Result.getOrThrow(ProxyProtocol.encode(longest, { limit: ProxyProtocol.maxLimit })).length,
      ProxyProtocol.maxLimit
    )
  })
})
