import { assert, describe, it } from "@effect/vitest"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as ProxyProtocolError from "@sluice/proxy/ProxyProtocolError"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"))
const signature = "0d0a0d0a000d0a515549540a"

const decode = (input: Uint8Array) =>
  Option.getOrThrow(Result.getOrThrow(ProxyProtocol.decode(input, { limit: ProxyProtocol.maxLimit })))

const faultOf = (input: Uint8Array | string, limit?: number): ProxyProtocolError.Reason => {
  const result = ProxyProtocol.decode(typeof input === "string" ? latin1(input) : input, { limit })
  if (Result.isSuccess(result)) return assert.fail(`no fault: ${JSON.stringify(result.success)}`)
  assert.notInclude(result.failure.message, "\n")
  return result.failure.reason
}

const withSsl: ProxyProtocol.Ssl = {
  _tag: "Ssl",
  ssl: true,
  certificateOnConnection: true,
  certificateInSession: true,
  verify: 0,
  others: []
}

const address = (ip: string, port: number) => NetAddress.inetAddressFromIpStringUnsafe(ip, port)

describe("version 1", () => {
  it("the example of section 2.1", () => {
    const request = "GET / HTTP/1.1\r\nHost: 192.168.0.11\r\n\r\n"
    const line = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"
    const { header, size } = decode(latin1(line + request))
    assert.strictEqual(size, line.length)
    assert.deepStrictEqual(header, {
      version: 1,
      command: "PROXY",
      family: "INET",
      protocol: "STREAM",
      addresses: { source: address("192.168.0.1", 56324), destination: address("192.168.0.11", 443) },
      tlvs: []
    })
    assert.deepStrictEqual(Result.getOrThrow(ProxyProtocol.encode(header)), latin1(line))
  })

  it("the longest lines of section 2.1", () => {
    const ff = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    const lines = {
      "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n": 56,
      [`PROXY TCP6 ${ff} ${ff} 65535 65535\r\n`]: 104,
      "PROXY UNKNOWN\r\n": 15,
      [`PROXY UNKNOWN ${ff} ${ff} 65535 65535\r\n`]: 107
    }
    for (const [line, size] of Object.entries(lines)) assert.strictEqual(decode(latin1(line)).size, size)
  })

  it("addresses and ports as the grammar allows them", () => {
    const source = (line: string) => NetAddress.formatSocketAddress(decode(latin1(line)).header.addresses!.source)
    assert.strictEqual(source("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n"), "0.0.0.0:0")
    assert.strictEqual(source("PROXY TCP6 ::1 2001:DB8::1 1 2\r\n"), "[::1]:1")
    assert.strictEqual(source("PROXY TCP6 2001:0db8:0:0:0:0:0:00ff :: 1 2\r\n"), "[2001:db8::ff]:1")
    // As HAProxy writes it, by inet_ntop(3).
    const mapped = "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"
    assert.strictEqual(source(mapped), "[::ffff:192.0.2.1]:1")
    const written = Result.getOrThrow(ProxyProtocol.encode(decode(latin1(mapped)).header))
    assert.strictEqual(new TextDecoder().decode(written), "PROXY TCP6 ::ffff:c000:201 ::1 1 2\r\n")
  })

  it("behind UNKNOWN all is ignored up to the CRLF", () => {
    for (const rest of ["", " ", " x y z", " a\rb\nc", " \xff", " \r\r"]) {
      const line = `PROXY UNKNOWN${rest}\r\n`
      assert.deepStrictEqual(decode(latin1(line + "x")), { header: ProxyProtocol.unknown(1), size: line.length })
    }
  })

  it("what does not match exactly is refused", () => {
    const tags = {
      "GET / HTTP/1.1\r\n": "NotProxyHeader",
      "PROXI TCP4": "NotProxyHeader",
      "proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n": "NotProxyHeader",
      "PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n": "NotProxyHeader",
      "PROXY\r\n": "NotProxyHeader",
      "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n": "UnknownFamily",
      "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n": "UnknownFamily",
      "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n": "UnknownFamily",
      "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n": "UnknownFamily",
      "PROXY UNKNOWNS\r\n": "UnknownFamily",
      "PROXY \r\n": "UnknownFamily",
      "PROXY TCP4\r\n": "InvalidLine",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n": "InvalidLine",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n": "InvalidLine",
      "PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n": "InvalidLine",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n": "InvalidLine",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n": "InvalidLine",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r \n": "InvalidLine",
      "PROXY TCP4 1.2.3.4\r1.2.3.4 1 2\r\n": "InvalidLine",
      "PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n": "InvalidAddress",
      "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n": "InvalidAddress",
      "PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n": "InvalidAddress",
      "PROXY TCP4 1.2.3.4 ::1 1 2\r\n": "InvalidAddress",
      "PROXY TCP4 0x1.2.3.4 1.2.3.4 1 2\r\n": "InvalidAddress",
      "PROXY TCP4 1.2.3.\xb2 1.2.3.4 1 2\r\n": "InvalidAddress",
      "PROXY TCP6 1.2.3.4 ::1 1 2\r\n": "InvalidAddress",
      "PROXY TCP6 ::1::2 ::1 1 2\r\n": "InvalidAddress",
      "PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n": "InvalidAddress",
      "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n": "InvalidAddress",
      "PROXY TCP6 12345::1 ::1 1 2\r\n": "InvalidAddress",
      "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n": "InvalidPort",
      "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n": "InvalidPort",
      "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n": "InvalidPort",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 -2\r\n": "InvalidPort",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 1e3\r\n": "InvalidPort"
    }
    for (const [line, tag] of Object.entries(tags)) assert.strictEqual(faultOf(line)._tag, tag, JSON.stringify(line))
  })

  it("a line without its end in 107 bytes is too long, and not a byte sooner", () => {
    const line = "PROXY UNKNOWN ".padEnd(106, "x")
    assert.deepStrictEqual(ProxyProtocol.decode(latin1(line)), Result.succeed(Option.none()))
    for (const last of ["x", "\r", "\r\n", "x\r\n", `${"x".repeat(100)}\r\n`]) {
      assert.deepStrictEqual(
        faultOf(`${line}${last}`),
        new ProxyProtocolError.HeaderTooLong({ limit: 107, length: 108 })
      )
    }
    assert.strictEqual(decode(latin1(`${line.slice(0, 105)}\r\n`)).size, 107)
  })

  it("says where bytes stop to be a header, at the first that is wrong", () => {
    assert.deepStrictEqual(faultOf("X"), new ProxyProtocolError.NotProxyHeader({ offset: 0 }))
    assert.deepStrictEqual(faultOf("PROXZ"), new ProxyProtocolError.NotProxyHeader({ offset: 4 }))
    assert.deepStrictEqual(faultOf("\r\n\r\n\0\r\nQUIX"), new ProxyProtocolError.NotProxyHeader({ offset: 10 }))
  })
})

describe("version 2", () => {
  it("TCP over IPv4, laid out as section 2.2 says", () => {
    const { header, size } = decode(hex(`${signature} 21 11 000c c0a80001 c0a8000b dc04 01bb 474554`))
    assert.strictEqual(size, 28)
    assert.deepStrictEqual(
      header,
      ProxyProtocol.make({ source: address("192.168.0.1", 56324), destination: address("192.168.0.11", 443) })
    )
  })

  it("TCP and UDP over IPv6", () => {
    for (const [byte, protocol] of [["21", "STREAM"], ["22", "DGRAM"]] as const) {
      const ips = "20010db8000000000000000000000001 20010db8000000000000000000000002"
      assert.deepStrictEqual(
        decode(hex(`${signature} 21 ${byte} 0024 ${ips} 0001 ffff`)).header,
        ProxyProtocol.make(
          { source: address("2001:db8::1", 1), destination: address("2001:db8::2", 65535) },
          { protocol }
        )
      )
    }
  })

  it("Unix-domain sockets, by path and by abstract name", () => {
    const field = (text: string) => Buffer.from(text).toString("hex").padEnd(216, "0")
    const paths = (input: string) => {
      const { destination, source } = decode(hex(input)).header.addresses!
      return [source, destination].map(String)
    }
    const at = (source: string, destination: string) => `${signature} 21 31 00d8 ${source} ${destination}`
    assert.deepStrictEqual(paths(at(field("/run/a"), field(""))), ["/run/a", ""])
    assert.deepStrictEqual(paths(at(field("\0name"), field("x".repeat(108)))), ["\0name", "x".repeat(108)])
    // What stands behind the zero that ends a path was never part of it.
    assert.deepStrictEqual(paths(at(field("/run/a\0left over"), field("/b"))), ["/run/a", "/b"])
    assert.strictEqual(faultOf(hex(at("ff".padEnd(216, "0"), field(""))))._tag, "InvalidAddress")
  })

  it("LOCAL discards what is said of addresses, whatever it is", () => {
    assert.deepStrictEqual(decode(hex(`${signature} 20 00 0000`)), { header: ProxyProtocol.local, size: 16 })
    for (const byte of ["11", "21", "31", "ff", "4a"]) {
      const input = hex(`${signature} 20 ${byte} 0005 0102030405 77`)
      assert.deepStrictEqual(decode(input), { header: ProxyProtocol.local, size: 21 })
    }
  })

  it("LOCAL and UNSPEC may carry records, as HAProxy sends them for clients of Unix-domain sockets", () => {
    for (const [command, header] of [["20", ProxyProtocol.local], ["21", ProxyProtocol.unknown(2)]] as const) {
      assert.deepStrictEqual(decode(hex(`${signature} ${command} 00 0005 01 0002 6832`)).header, {
        ...header,
        tlvs: [{ _tag: "Alpn", protocol: "h2" }]
      })
    }
  })

  it("LOCAL discards a block of any other content, with the family 0 too", () => {
    const blocks = [
      "7f0000017f00000104d204d2", // addresses
      "0000", // padding
      "ffffffffff", // nothing that is defined
      "20000b 01 00000000 210003 4dfc6c" // a TLS version in Latin-1
    ]
    for (const block of blocks) {
      const size = hex(block).length
      const input = hex(`${signature} 20 00 ${size.toString(16).padStart(4, "0")} ${block} 77`)
      assert.deepStrictEqual(decode(input), { header: ProxyProtocol.local, size: 16 + size })
      for (let length = 0; length < 16 + size; length++) {
        assert.deepStrictEqual(ProxyProtocol.decode(input.subarray(0, length)), Result.succeed(Option.none()))
      }
    }
  })

  it("a LOCAL header with a checksum that does not match is corrupt", () => {
    assert.strictEqual(faultOf(hex(`${signature} 20 00 0007 03 0004 00000000`))._tag, "ChecksumMismatch")
  })

  it("a host name or common name that is not UTF-8 is kept as bytes", () => {
    const muell = Uint8Array.of(0x4d, 0xfc, 0x6c)
    const records = "02 0003 4dfc6c 20 000b 01 00000000 22 0003 4dfc6c"
    const { header } = decode(hex(`${signature} 21 00 0014 ${records}`))
    assert.strictEqual(ProxyProtocol.tlv(header, "Authority"), undefined)
    assert.deepStrictEqual(ProxyProtocol.tlv(header, "Other"), { _tag: "Other", type: 0x02, value: muell })
    const ssl = ProxyProtocol.tlv(header, "Ssl")!
    assert.notProperty(ssl, "commonName")
    assert.deepStrictEqual(ssl.others, [{ _tag: "Other", type: 0x22, value: muell }])
    assert.deepStrictEqual(Result.getOrThrow(ProxyProtocol.encode(header)), hex(`${signature} 21 00 0014 ${records}`))
  })

  it("a common name occurs once, whatever its encoding", () => {
    for (const names of ["22 0001 61 22 0001 ff", "22 0001 ff 22 0001 61", "22 0001 ff 22 0001 ff"]) {
      assert.strictEqual(faultOf(hex(`${signature} 21 00 0010 20 000d 01 00000000 ${names}`))._tag, "InvalidTlv", names)
    }
    const invalid = { _tag: "Other", type: 0x22, value: Uint8Array.of(0xff) } as const
    const ssl = { ...withSsl, commonName: "a", others: [invalid] } as const
    for (const each of [ssl, { ...withSsl, others: [invalid, invalid] }]) {
      const result = ProxyProtocol.encode({ ...ProxyProtocol.unknown(2), tlvs: [each] })
      assert.strictEqual(Result.isFailure(result) && result.failure.reason._tag, "InvalidTlv")
    }
  })

  it("an unspecified family or protocol has no addresses", () => {
    for (const [byte, family, protocol] of [["10", "INET", "UNSPEC"], ["02", "UNSPEC", "DGRAM"]] as const) {
      assert.deepStrictEqual(decode(hex(`${signature} 21 ${byte} 0002 0102`)), {
        header: { ...ProxyProtocol.unknown(2), family, protocol },
        size: 18
      })
    }
  })

  it("the SSL record and its own records", () => {
    const nested = [
      "21 0007 544c5376312e33",
      "22 000b 6578616d706c652e636f6d",
      "23 0002 4141",
      "24 0002 4242",
      "25 0002 4343",
      "ee 0001 ff"
    ].join(" ")
    const size = (5 + hex(nested).length).toString(16).padStart(4, "0")
    const record = `20 ${size} 07 00000000 ${nested}`
    const length = (12 + hex(record).length).toString(16).padStart(4, "0")
    const { header } = decode(hex(`${signature} 21 11 ${length} 01020304 05060708 0001 0002 ${record}`))
    assert.deepStrictEqual(header.tlvs, [{
      _tag: "Ssl",
      ssl: true,
      certificateOnConnection: true,
      certificateInSession: true,
      verify: 0,
      version: "TLSv1.3",
      commonName: "example.com",
      cipher: "AA",
      signatureAlgorithm: "BB",
      keyAlgorithm: "CC",
      others: [{ _tag: "Other", type: 0xee, value: Uint8Array.of(0xff) }]
    }])
  })

  it("the checksum is that of RFC 4960, over the header with zeros in its place", () => {
    // Made with the bit by bit definition, apart from the tables that are under test.
    const crc32c = (bytes: Uint8Array) => {
      let crc = 0xffffffff
      for (const byte of bytes) {
        crc ^= byte
        for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
      }
      return (crc ^ 0xffffffff) >>> 0
    }
    assert.strictEqual(crc32c(latin1("123456789")), 0xe3069283)
    const zeroed = hex(`${signature} 21 11 0013 01020304 05060708 0001 0002 03 0004 00000000`)
    const right = zeroed.slice()
    new DataView(right.buffer).setUint32(31, crc32c(zeroed))
    const { header } = decode(right)
    assert.deepStrictEqual(header.tlvs, [{ _tag: "Crc32c" }])
    assert.deepStrictEqual(Result.getOrThrow(ProxyProtocol.encode(header)), right)
    assert.deepStrictEqual(
      faultOf(zeroed),
      new ProxyProtocolError.ChecksumMismatch({ carried: 0, computed: crc32c(zeroed) })
    )
  })

  it("what does not match is refused, as soon as it is there", () => {
    const tags = {
      "11": "UnsupportedVersion",
      "31 11": "UnsupportedVersion",
      "22": "UnknownCommand",
      "2f": "UnknownCommand",
      "21 41": "UnknownFamily",
      "21 f0": "UnknownFamily",
      "21 13": "UnknownProtocol",
      "21 0f": "UnknownProtocol",
      "21 11 000b": "TruncatedAddresses",
      "21 21 0023": "TruncatedAddresses",
      "21 31 00d7": "TruncatedAddresses",
      "21 11 4000": "HeaderTooLong",
      "21 11 ffff": "HeaderTooLong"
    }
    for (const [rest, tag] of Object.entries(tags)) assert.strictEqual(faultOf(hex(signature + rest))._tag, tag, rest)
  })

  it("records that are none are refused", () => {
    const tags = {
      "01": "TruncatedTlv",
      "01 00": "TruncatedTlv",
      "01 0001": "TruncatedTlv",
      "e0 0002 01": "TruncatedTlv",
      "03 0003 000000": "InvalidTlv",
      "30 0001 80": "InvalidTlv",
      "20 0004 00000000": "InvalidTlv",
      "20 0006 01 00000000 21": "TruncatedTlv",
      "20 0008 01 00000000 21 0001": "TruncatedTlv",
      "20 0009 01 00000000 21 0001 ff": "InvalidTlv",
      "20 000b 01 00000000 21 0000 21 0000": "InvalidTlv",
      [`05 0081 ${"00".repeat(129)}`]: "InvalidTlv"
    }
    for (const [records, tag] of Object.entries(tags)) {
      const length = hex(records).length.toString(16).padStart(4, "0")
      assert.strictEqual(faultOf(hex(`${signature} 21 00 ${length} ${records}`))._tag, tag, records)
    }
  })
})

describe("making headers", () => {
  it("addresses of both families become IPv6, and scopes are left out", () => {
    const scoped = Result.getOrThrow(
      NetAddress.inetAddressV6(Result.getOrThrow(NetAddress.ipv6FromString("fe80::1")), 1, { scopeId: 2 })
    )
    const header = ProxyProtocol.make({ source: scoped, destination: address("192.0.2.1", 2) })
    assert.strictEqual(ProxyProtocol.format(header), "[fe80::1]:1 to [::ffff:192.0.2.1]:2")
    assert.isTrue(Result.isSuccess(ProxyProtocol.encode(header)))
  })

  it("what a version cannot express is unknown", () => {
    const path = NetAddress.unixPathAddress("/run/a")
    const inet = address("192.0.2.1", 1)
    assert.deepStrictEqual(
      ProxyProtocol.make({ source: path, destination: path }, { version: 1 }),
      ProxyProtocol.unknown(1)
    )
    assert.deepStrictEqual(ProxyProtocol.make({ source: path, destination: inet }), ProxyProtocol.unknown(2))
    assert.deepStrictEqual(
      ProxyProtocol.make({ source: inet, destination: inet }, { version: 1, protocol: "DGRAM" }),
      ProxyProtocol.unknown(1)
    )
    assert.strictEqual(ProxyProtocol.make({ source: path, destination: path }).family, "UNIX")
  })
})

describe("formatting", () => {
  it("shows paths that a peer chose without what a terminal would obey", () => {
    const path = NetAddress.unixPathAddress("/run/\u001b[2J\u202ea\n")
    const header = ProxyProtocol.make({ source: path, destination: path })
    const text = ProxyProtocol.format(header)
    assert.strictEqual(text, "/run/\\x1b[2J\\u{202e}a\\n to /run/\\x1b[2J\\u{202e}a\\n")
  })
})
