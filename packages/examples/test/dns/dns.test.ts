import { describe, expect, it, onTestFinished } from "@effect/vitest"
import * as Codec from "@sluice/codec/Codec"
import * as Dns from "@sluice/codec/formats/Dns"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as ChildProcess from "node:child_process"
import * as Dgram from "node:dgram"
import { promisify } from "node:util"
import * as masterFile from "../../src/dns/masterFile.ts"
import * as respond from "../../src/dns/respond.ts"
import { responseCodes, Zone } from "../../src/dns/Zone.ts"
import { fileOf } from "../folder.ts"
import { converse, isThere, run, serve, stop } from "../program.ts"
import * as zones from "./zones.ts"

const execFile = promisify(ChildProcess.execFile)

// ---------------------------------------------------------------------------------------------------------------------
// Zone files
// ---------------------------------------------------------------------------------------------------------------------

describe("a zone file", () => {
  const start = "$ORIGIN a.\n@ 1 SOA ns root 1 2 3 4 5\n"

  it.each([
    ["", "line 1: there is no SOA record; add one for the zone"],
    ["www A 192.0.2.1", "line 1: \"www\" is relative; begin the file with $ORIGIN, or end the name with a dot"],
    ["@ 1 A 192.0.2.1", "line 1: there is no origin for \"@\"; begin the file with $ORIGIN"],
    ["a. A 192.0.2.1", "line 1: there is no TTL; begin the file with $TTL"],
    [" 1 A 192.0.2.1", "line 1: the first record has no owner; begin the line with a name"],
    ["\n\n$ORIGIN", "line 3: \"$ORIGIN\" takes one value"],
    ["$INCLUDE other", "line 1: \"$INCLUDE\" is not supported; use $ORIGIN or $TTL"],
    ["$TTL soon", "line 1: \"soon\" is not a time, such as 3600 or 1h"],
    ["$TTL 5000w", "line 1: \"5000w\" is not a time, such as 3600 or 1h"],
    [`${start}@ SOA ns root 1 2 3 4 5`, "line 3: there is another SOA record; a file is for one zone"],
    [`${start}b. A 192.0.2.1`, "line 3: b. is not in the zone a.; move it to its own zone"],
    [`${start}x A 192.0.2.256`, "line 3: \"192.0.2.256\" is not an IPv4 address"],
    [`${start}x AAAA 192.0.2.1`, "line 3: \"192.0.2.1\" is not an IPv6 address"],
    [`${start}x A`, "line 3: A has 0 values, not 1"],
    [`${start}x TXT`, "line 3: TXT has 0 values, not 1 or more"],
    [`${start}x`, "line 3: there is no type behind the name"],
    [`${start}x CH A 192.0.2.1`, "line 3: the class is CH; only IN is served"],
    [`${start}x MX 65536 y`, "line 3: \"65536\" is not a number from 0 to 65535"],
    [`${start}x LOC 1 y`, "line 3: the type is \"LOC\"; use A, AAAA, NS, CNAME, PTR, MX, SRV, SOA, TXT"],
    [`${start}x constructor y`, "line 3: the type is \"CONSTRUCTOR\"; use A, AAAA, NS, CNAME, PTR, MX, SRV, SOA, TXT"],
    [`${start}x TXT "open\ny A 192.0.2.1`, "line 3: unexpected \"\"\"; close the quotes"],
    [`${start}x MX ( 10\n\ny`, "line 3: a parenthesis is open at the end of the file; close it"],
    [`${start}x MX 10 ) y`, "line 3: unexpected \")\"; remove it"],
    [`${start}x TXT \\256`, "line 3: \\256 is not a byte; use \\000 to \\255"],
    [`${start}x TXT ${"y".repeat(256)}`, "line 3: a text has 256 bytes; split it into texts of at most 255"],
    [`${start}${"y".repeat(64)} A 192.0.2.1`, "line 3: record.name: a label is longer than 63 bytes"],
    [`${start}x..y A 192.0.2.1`, "line 3: record.name: a label is empty"],
    [`${start}x CNAME y\nx A 192.0.2.1`, "line 4: x.a. has a CNAME record and another; an alias has no other records"],
    [`${start}x A 192.0.2.1\nX CNAME y`, "line 4: X.a. has a CNAME record and another; an alias has no other records"]
  ])("%j is an error with its line", (text, message) => {
    const read = Result.flatMap(masterFile.parse(text), Zone.make)
    expect(Result.isFailure(read) ? read.failure.message : "read").toBe(message)
  })

  it("is an error of the program, in one line", async () => {
    const file = fileOf("zone", "www A 192.0.2.1\n")
    const { code, stderr, stdout } = await run(["dns", "server", "--port", "0", "--zone", file])
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toMatch(/^invalid zone file .*zone: line 1: "www" is relative; .*\n$/)
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// Hostile messages
// ---------------------------------------------------------------------------------------------------------------------

describe("a message that is not a query", () => {
  const answer = respond.make(zones.zone(zones.org), undefined)
  const ask = (bytes: Uint8Array) => Effect.runSync(answer(bytes, "udp"))
  const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"))
  const query = Result.getOrThrow(
    Codec.encode(Dns.message, respond.queryOf(0x1234, { name: "www.example.org", type: 1, class: 1 }))
  )

  it.each([
    ["is empty", ""],
    ["is shorter than a header", "1234 0100 0001 0000 0000 00"],
    ["is a response", "1234 8100 0001 0000 0000 0000 00 0001 0001"]
  ])("gets no response when it %s", (_, bytes) => {
    expect(ask(hex(bytes))).toBe(undefined)
  })

  it.each(
    [
      ["has a name that points to itself", "1234 0100 0001 0000 0000 0000 c00c 0001 0001", "FormErr"],
      ["has a name that points forward", "1234 0100 0001 0000 0000 0000 c0ff 0001 0001", "FormErr"],
      ["has names that point to each other", "1234 0100 0002 0000 0000 0000 c012 0001 0001 c00c 0001 0001", "FormErr"],
      ["has a label of a reserved kind", "1234 0100 0001 0000 0000 0000 4161 00 0001 0001", "FormErr"],
      ["counts more than there is", "1234 0100 ffff ffff ffff ffff 00 0001 0001", "FormErr"],
      ["has no question", "1234 0100 0000 0000 0000 0000", "FormErr"],
      ["has two questions", "1234 0100 0002 0000 0000 0000 00 0001 0001 00 0001 0001", "FormErr"],
      ["has bytes behind its end", "1234 0100 0001 0000 0000 0000 00 0001 0001 ff", "FormErr"],
      ["has an answer", "1234 0100 0001 0001 0000 0000 00 0001 0001 00 0001 0001 00000000 0004 01020304", "FormErr"],
      [
        "has options twice",
        `1234 0100 0001 0000 0000 0002 00 0001 0001 ${"00 0029 04d0 00000000 0000".repeat(2)}`,
        "FormErr"
      ],
      [
        "has options of a name",
        "1234 0100 0001 0000 0000 0001 00 0001 0001 0161 00 0029 04d0 00000000 0000",
        "FormErr"
      ],
      ["asks for options", "1234 0100 0001 0000 0000 0000 00 0029 0001", "FormErr"],
      ["is a notification", "1234 2100 0001 0000 0000 0000 00 0006 0001", "NotImp"],
      ["is an update", "1234 2800 0001 0000 0001 0000 00 0006 0001 0161 00 00ff 00ff 00000000 0000", "NotImp"],
      ["asks for mailboxes", "1234 0100 0001 0000 0000 0000 00 00fd 0001", "NotImp"],
      ["asks for a transfer", "1234 0100 0001 0000 0000 0000 00 00fc 0001", "Refused"],
      ["is of another class", "1234 0100 0001 0000 0000 0000 00 0001 0003", "Refused"]
    ] as const
  )("is refused when it %s", (_, bytes, code) => {
    const response = ask(hex(bytes))!
    expect([response[0], response[1], response[2]! & 0x80, response[3]! & 0xf]).toEqual([
      0x12,
      0x34,
      0x80,
      responseCodes[code]
    ])
    expect(Result.isSuccess(Codec.decode(Dns.message, response))).toBe(true)
  })

  it("is answered by a response of the same id within the size, or not at all, whatever is wrong with it", () => {
    const seeds = Number(process.env["SLUICE_SEEDS"] ?? 2000)
    let responses = 0
    for (let seed = 0; seed < seeds; seed++) {
      const bytes = Codec.damage(query, seed)
      const response = ask(bytes)
      if (response === undefined) continue
      responses++
      expect(response.length).toBeLessThanOrEqual(respond.payloadSize)
      const message = Result.getOrThrow(Codec.decode(Dns.message, response))
      expect(message).toMatchObject({ id: bytes[0]! * 256 + bytes[1]!, isResponse: true })
    }
    expect(responses).toBeGreaterThan(seeds / 4)
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// With programs that others wrote
// ---------------------------------------------------------------------------------------------------------------------

const hasTools = [isThere("dig", "-v"), isThere("kdig", "--version")].every((each) => each)

/** What dig says, without what differs each time. */
const dig = async (port: number, query: string) => {
  const { stdout } = await execFile("dig", [
    "@127.0.0.1",
    "-p",
    `${port}`,
    "+tries=1",
    "+time=120",
    "+nostats",
    ...query.split(" ")
  ])
  const [, status] = /status: (\w+)/.exec(stdout) ?? []
  const [, flags] = /flags: ([a-z ]*);/.exec(stdout) ?? []
  const lines = stdout.split("\n").filter((line) => line !== "" && !line.startsWith(";"))
  const records = lines.map((line) => line.replaceAll(/\s+/g, " "))
  return { status, flags, records, stdout }
}

const denial = (ttl: number) =>
  `example.org. ${ttl} IN SOA ns.example.org. hostmaster.example.org. 2026112601 7200 900 1209600 300`

describe.skipIf(!hasTools)("dns server", () => {
  it("answers dig and kdig, over UDP and TCP, from its zone and from another server", async () => {
    const upstream = await serve(`dns server --zone ${fileOf("zone", zones.net)}`)
    const { port, ...server } = await serve(
      `dns server --zone ${fileOf("zone", zones.org)} --forward 127.0.0.1:${upstream.port}`
    )
    const expected: ReadonlyArray<readonly [query: string, status: string, flags: string, ...ReadonlyArray<string>]> = [
      [
        "www.eXample.org A",
        "NOERROR",
        "qr aa rd ra",
        "www.eXample.org. 3600 IN CNAME web.example.org.",
        "web.example.org. 3600 IN A 192.0.2.10",
        "web.example.org. 3600 IN A 192.0.2.11"
      ],
      [
        "example.org MX",
        "NOERROR",
        "qr aa rd ra",
        "example.org. 3600 IN MX 10 mail.example.org.",
        "mail.example.org. 600 IN A 192.0.2.3",
        "mail.example.org. 3600 IN AAAA 2001:db8::3"
      ],
      [
        "+tcp example.org NS",
        "NOERROR",
        "qr aa rd ra",
        "example.org. 3600 IN NS ns.example.org.",
        "example.org. 3600 IN NS ns2.example.org.",
        "ns.example.org. 3600 IN A 192.0.2.1",
        "ns2.example.org. 300 IN A 192.0.2.2"
      ],
      [
        "txt.example.org TXT",
        "NOERROR",
        "qr aa rd ra",
        "txt.example.org. 3600 IN TXT \"hello; \\\"world\\\"\" \"plain\" \"A\\\\\" \"tab\\009\\195\\169\" \"\""
      ],
      [
        "_sip._tcp.example.org SRV",
        "NOERROR",
        "qr aa rd ra",
        "_sip._tcp.example.org. 3600 IN SRV 0 5 5060 sip.example.org.",
        "sip.example.org. 3600 IN A 192.0.2.20"
      ],
      [
        "10.2.0.192.in-addr.example.org PTR",
        "NOERROR",
        "qr aa rd ra",
        "10.2.0.192.in-addr.example.org. 3600 IN PTR web.example.org."
      ],
      ["a\\.b.example.org A", "NOERROR", "qr aa rd ra", "a\\.b.example.org. 3600 IN A 192.0.2.77"],
      ["b.example.org A", "NXDOMAIN", "qr aa rd ra", denial(300)],
      ["web.example.org AAAA", "NOERROR", "qr aa rd ra", denial(300)],
      ["x.y.wild.example.org A", "NOERROR", "qr aa rd ra", "x.y.wild.example.org. 3600 IN A 192.0.2.99"],
      ["x.wild.example.org AAAA", "NOERROR", "qr aa rd ra", denial(300)],
      // A name that has only names below it exists, so that the wildcard does not cover it, nor what is below it.
      ["er.wild.example.org A", "NOERROR", "qr aa rd ra", denial(300)],
      ["x.er.wild.example.org A", "NXDOMAIN", "qr aa rd ra", denial(300)],
      [
        "+norec a.sub.example.org A",
        "NOERROR",
        "qr ra",
        "sub.example.org. 3600 IN NS ns.sub.example.org.",
        "sub.example.org. 3600 IN NS ns.example.net.",
        "ns.sub.example.org. 3600 IN A 192.0.2.53"
      ],
      [
        "loop.example.org A",
        "NOERROR",
        "qr aa rd ra",
        "loop.example.org. 3600 IN CNAME loop2.example.org.",
        "loop2.example.org. 3600 IN CNAME loop.example.org."
      ],
      ["example.org ANY", "NOERROR", "qr aa rd ra", denial(3600)],
      ["example.com A", "REFUSED", "qr rd ra"],
      ["+norec www.example.net A", "REFUSED", "qr ra"],
      ["+edns=1 +noednsneg example.org A", "BADVERS", "qr rd ra"],
      ["www.Example.net A", "NOERROR", "qr rd ra", "www.Example.net. 60 IN A 198.51.100.2"],
      [
        "nobody.example.net A",
        "NXDOMAIN",
        "qr rd ra",
        "example.net. 30 IN SOA ns.example.net. hostmaster.example.net. 1 3600 3600 3600 30"
      ],
      [
        "out.example.org A",
        "NOERROR",
        "qr aa rd ra",
        "out.example.org. 3600 IN CNAME www.example.net.",
        "www.example.net. 60 IN A 198.51.100.2"
      ]
    ]
    const said = await Promise.all(expected.map(([query]) => dig(port, query)))
    expect(said.map(({ flags, records, status }, i) => [expected[i]![0], status, flags, ...records.map(steady)]))
      .toEqual(
        expected.map((each) => each.map(steady))
      )

    // 2,000 bytes of text: too many for a datagram, here and on the way from the other server.
    const cut = await dig(port, "+ignore big.example.net TXT")
    expect(cut).toMatchObject({ status: "NOERROR", flags: "qr tc rd ra", records: [] })
    const whole = await dig(port, "big.example.net TXT")
    expect(whole.stdout).toContain("Truncated, retrying in TCP mode")
    expect(whole.records[0]).toMatch(/^big\.example\.net\. \d+ IN TXT "0{250}" .*"7{250}"$/)

    const arguments_ = [
      "@127.0.0.1",
      "-p",
      `${port}`,
      "+tcp",
      "+keepopen",
      "example.org",
      "SOA",
      "alias.example.net",
      "A"
    ]
    const { stdout } = await execFile("kdig", arguments_)
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("alias.example.net. 60 IN CNAME www.example.net.")
    expect(stdout).not.toContain("WARNING")

    // Neither a datagram nor a connection that is not DNS ends the server, and a response gets no response.
    const socket = Dgram.createSocket("udp4")
    onTestFinished(async () => {
      await new Promise<void>((resolve) => socket.close(resolve))
    })
    const heard: Array<Buffer> = []
    const refusal = new Promise<void>((resolve) =>
      socket.on("message", (bytes) => {
        heard.push(bytes)
        resolve()
      })
    )
    const send = (text: string) => socket.send(Buffer.from(text, "hex"), port, "127.0.0.1")
    for (const each of ["", "00", "123481000001000000000000000001000100", "ffff01000001000000000000c00c00010001"]) {
      send(each)
    }
    await refusal
    expect(heard.map((bytes) => bytes.toString("hex"))).toEqual(["ffff81010000000000000000"])
    expect(await converse({ port, host: "127.0.0.1" }, "GET / HTTP/1.1\r\n\r\n")).toBe("")
    expect((await dig(port, "web.example.org A")).status).toBe("NOERROR")
    expect(await stop(server)).toMatchObject({ code: 0 })

    // Without a server to ask, what is not in the zone is refused.
    const alone = await dig(upstream.port, "example.org A")
    expect(alone).toMatchObject({ status: "REFUSED", flags: "qr rd", records: [] })
    await stop(upstream)
  })
})

/** A record of the other server may have been kept for some seconds. */
const steady = (line: string): string => line.replace(/ ([52])\d IN/, (_, ten: string) => ` ${Number(ten) + 1}0 IN`)
