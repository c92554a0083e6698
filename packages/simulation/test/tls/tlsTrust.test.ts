import * as SimCertificate from "@sluice/simulation/SimCertificate"
import { describe, expect, it } from "vitest"
import {
  type Certificate,
  decodeCertificate,
  fingerprint,
  formatCertificate,
  formatKey,
  isSelfSigned,
  parseCertificates,
  parseKey,
  parseRevocationLists,
  sign
} from "../../src/internal/kernel/tls/certificate/certificate.ts"
import { judgeChain, judgeName } from "../../src/internal/kernel/tls/certificate/trust.ts"
import { checksum, digest, digestText } from "../../src/internal/kernel/tls/handshake/digest.ts"
import { Malformed } from "../../src/internal/kernel/tls/handshake/fields.ts"

const authority = SimCertificate.authority("Test CA")
const parse = (text: string) => parseCertificates(text) as [Certificate, ...Array<Certificate>]
const [root] = parse(authority.certificate)
const trust = { anchors: [root], revocationLists: [] }
const leaf = parse(authority.issue({ names: ["leaf"] }).chain)[0]
const issuedBy = (issuer: Certificate, subject: string, isAuthority: boolean) =>
  sign({ ...leaf, subject, isAuthority, issuer: issuer.subject, issuerKey: issuer.publicKey, publicKey: subject })

it("two authorities of one name have nothing in common, and issue nothing in common", () => {
  const [one, other] = [1, 2].map((serialNumber) => SimCertificate.authority("Test CA", { serialNumber }))
  const issued = [one!, other!, one!].map((each) => each.issue({ names: ["server"] }))
  expect(one!.certificate).not.toBe(other!.certificate)
  expect(issued[0]!.key).not.toBe(issued[1]!.key)
  expect(issued[0]!.chain).not.toBe(issued[1]!.chain)
  expect(issued[2]).toEqual(issued[0])
})

describe("a chain of simulated certificates", () => {
  it("is good up to an authority, with more beside it than it needs", () => {
    const between = issuedBy(root, "CN=between", true)
    const last = issuedBy(between, "CN=last", false)
    expect(judgeChain(trust, [last, leaf, between, root], 0)).toBe(undefined)
    expect(judgeChain(trust, [last], 0)).toMatchObject({ _tag: "UnknownIssuer", subject: "CN=last" })
  })

  it("is not when one of it may not issue others", () => {
    const last = issuedBy(leaf, "CN=last", false)
    expect(judgeChain(trust, [last, leaf], 0)).toMatchObject({
      _tag: "CertificateRejected",
      subject: "CN=leaf",
      code: "INVALID_CA"
    })
  })

  it("is not when its content was changed", () => {
    const changed = { ...leaf, names: ["DNS:bank.example"] }
    expect(judgeChain(trust, [changed], 0)).toMatchObject({ code: "CERT_SIGNATURE_FAILURE", subject: "CN=leaf" })
  })

  it("is not when it never ends", () => {
    const chain: Array<Certificate> = []
    let issuer = root
    for (let depth = 0; depth < 20; depth++) chain.unshift(issuer = issuedBy(issuer, `CN=${depth}`, true))
    expect(judgeChain(trust, chain as never, 0)).toMatchObject({ code: "CERT_CHAIN_TOO_LONG" })
    const [a, b] = [{ ...leaf, subject: "CN=a" }, { ...leaf, subject: "CN=b", isAuthority: true }]
    const circle = { ...b, issuer: "CN=b", issuerKey: "other", publicKey: "other" }
    const toItself = { ...a, issuer: "CN=b", issuerKey: "other" }
    expect(judgeChain(trust, [toItself, circle], 0)).toMatchObject({ _tag: "SelfSignedCertificate", subject: "CN=b" })
    const [first, second] = [
      { ...b, subject: "CN=1", publicKey: "1", issuer: "CN=2", issuerKey: "2" },
      { ...b, subject: "CN=2", publicKey: "2", issuer: "CN=1", issuerKey: "1" }
    ]
    expect(judgeChain(trust, [{ ...leaf, issuer: "CN=1", issuerKey: "1" }, first, second], 0)).toMatchObject({
      code: "CERT_CHAIN_TOO_LONG"
    })
  })

  it("may end at a single peer that is trusted", () => {
    const [own] = parse(SimCertificate.selfSigned({ names: ["peer"] }).chain)
    expect(judgeChain({ anchors: [own], revocationLists: [] }, [own], 0)).toBe(undefined)
    expect(judgeChain({ anchors: [leaf], revocationLists: [] }, [leaf], 0)).toBe(undefined)
  })

  it("is not self-signed because its issuer has the same name", () => {
    const namesake = sign({ ...leaf, subject: root.subject, publicKey: "another key" })
    expect([root, leaf, namesake].map(isSelfSigned)).toEqual([true, false, false])
    expect(judgeChain(trust, [namesake], 0)).toBe(undefined)
    expect(judgeChain({ anchors: [], revocationLists: [] }, [namesake], 0)).toMatchObject({ _tag: "UnknownIssuer" })
    // The name alone is no issuer either: the key decides.
    const impostor = { ...root, publicKey: "another key" }
    expect(judgeChain({ anchors: [impostor], revocationLists: [] }, [leaf], 0)).toMatchObject({ _tag: "UnknownIssuer" })
  })

  it("is revoked by its own issuer, and needs a list of each issuer where there are lists", () => {
    const between = authority.intermediate("between")
    const last = between.issue({ names: ["last"] })
    const chain = parse(last.chain)
    const judge = (...lists: ReadonlyArray<string>) =>
      judgeChain({ ...trust, revocationLists: lists.flatMap(parseRevocationLists) }, chain, 0)
    const other = between.issue({ names: ["other"] })
    expect(judge()).toBe(undefined)
    expect(judge(authority.revoke(), between.revoke())).toBe(undefined)
    expect(judge(authority.revoke(), between.revoke(other))).toBe(undefined)
    expect(judge(authority.revoke(), between.revoke(other, last))).toMatchObject({
      _tag: "CertificateRevoked",
      subject: "CN=last"
    })
    expect(judge(authority.revoke({ chain: formatCertificate(chain[1]!) }), between.revoke())).toMatchObject({
      _tag: "CertificateRevoked",
      subject: "CN=between"
    })
    for (const lists of [[between.revoke()], [authority.revoke(), SimCertificate.authority("between").revoke()]]) {
      expect(judge(...lists)).toMatchObject({ _tag: "CertificateRejected", code: "UNABLE_TO_GET_CRL" })
    }
  })

  it("is as long as ten certificates, and no longer", () => {
    const chain: Array<Certificate> = []
    let issuer = root
    for (let depth = 0; depth < 9; depth++) chain.unshift(issuer = issuedBy(issuer, `CN=${depth}`, true))
    expect(judgeChain(trust, chain as never, 0)).toBe(undefined)
    chain.unshift(issuedBy(issuer, "CN=one more", true))
    expect(judgeChain(trust, chain as never, 0)).toMatchObject({ code: "CERT_CHAIN_TOO_LONG", subject: "CN=one more" })
  })

  it("is good from its first millisecond to its last", () => {
    const [own] = parse(
      authority.issue({ names: ["leaf"], notBefore: new Date(1000), notAfter: new Date(2000) }).chain
    )
    const tagAt = (now: number) => judgeChain(trust, [own], now)?._tag
    expect([999, 1000, 2000, 2001].map(tagAt)).toEqual([
      "CertificateNotYetValid",
      undefined,
      undefined,
      "CertificateExpired"
    ])
  })
})

describe("the names of a simulated certificate", () => {
  const [own] = parse(authority.issue({ names: ["*.example.org", "::1", "2001:DB8:0:0::1", "127.0.0.1"] }).chain)

  it("stand for hosts and for IP addresses, however these are written", () => {
    const good = ["www.example.org", "WWW.example.org.", "::1", "2001:db8::1", "127.0.0.1"]
    const bad = ["example.org", "a.b.example.org", "::2", "127.0.0.2", "*", ""]
    expect([...good, ...bad].filter((host) => judgeName(own, host) === undefined)).toEqual(good)
    for (const host of bad) expect(judgeName(own, host)).toMatchObject({ _tag: "HostNameMismatch", expected: host })
  })

  it("are not those of its subject", () => {
    const [nameless] = parse(authority.issue({ commonName: "www.example.org" }).chain)
    expect(judgeName(nameless, "www.example.org")).toMatchObject({ names: [] })
  })
})

describe("certificates that others have written", () => {
  it("are read field by field", () => {
    expect(decodeCertificate({ ...leaf })).toEqual(leaf)
    for (const field of Object.keys(leaf)) {
      for (const value of [undefined, null, {}, [[]], "x".repeat(2000), 0.5, 1e300]) {
        expect(() => decodeCertificate({ ...leaf, [field]: value }), `${field}: ${String(value)}`).toThrow(Malformed)
      }
    }
    for (const notAfter of [8.64e15, -8.64e15]) expect(decodeCertificate({ ...leaf, notAfter }).notAfter).toBe(notAfter)
    for (const notAfter of [8.64e15 + 1, -8.64e15 - 1]) {
      expect(() => decodeCertificate({ ...leaf, notAfter })).toThrow(Malformed)
    }
    expect(() => decodeCertificate(Object.create(leaf))).toThrow(Malformed)
    expect(() => decodeCertificate("certificate")).toThrow(Malformed)
  })
})

describe("PEM text", () => {
  it("gives back what was written, in its order, and the fingerprint stands for all of it", () => {
    const chain = parse(authority.intermediate("between").issue({ names: ["last"] }).chain)
    expect(chain.map(({ subject }) => subject)).toEqual(["CN=last", "CN=between"])
    expect(parse(chain.map(formatCertificate).join("and between them some text\n"))).toEqual(chain)
    const [own] = chain
    const prints = Object.keys(own).map((field) => fingerprint({ ...own, [field]: "other" }))
    expect(new Set([...prints, fingerprint(own)]).size).toBe(Object.keys(own).length + 1)
    expect(formatCertificate(own).split("\n").every((line) => line.length <= 64)).toBe(true)
  })

  it("is refused where it is not what it should be", () => {
    expect(parseKey(formatKey("secret"))).toBe("secret")
    const wrong = ["", "text", formatKey("a") + formatKey("b"), formatCertificate(leaf), formatKey("a").slice(0, -9)]
    for (const text of wrong) expect(() => parseKey(text)).toThrow(Malformed)
    expect(() => parseCertificates(formatKey("a"))).toThrow(/private key in it/)
    expect(() => parseCertificates(formatCertificate(leaf).replaceAll("SIMULATED ", ""))).toThrow(/real certificate/)
    expect(() => parseCertificates(formatCertificate(leaf).replace("\n", "\n*"))).toThrow(/Base64/)
    expect(() => parseRevocationLists(formatCertificate(leaf))).toThrow(Malformed)
  })
})

describe("digests", () => {
  it("are the same everywhere, and differ with every bit, length and border", () => {
    expect(digestText("a")).toBe("94ce2fd7bb88985e6247b18aa53bf8a539412ecd02efd562d6d3b9aa455d3d0e")
    const bytes = Uint8Array.from({ length: 67 }, (_, index) => index * 37)
    expect(Buffer.from(checksum(1, bytes)).toString("hex")).toBe("2d59120337d3c0342e073f4ec38f7bd5")
    const all = new Set<string>()
    const hex = (each: Uint8Array) => Buffer.from(each).toString("hex")
    for (const make of [digest, (bytes: Uint8Array) => checksum(0, bytes)]) {
      for (let length = 0; length <= bytes.length; length++) all.add(hex(make(bytes.subarray(0, length))))
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        const changed = bytes.slice()
        changed[bit >> 3]! ^= 1 << (bit & 7)
        all.add(hex(make(changed)))
      }
    }
    expect(all.size).toBe(2 * (68 + 8 * 67))
    expect(digestText("ab", "c")).not.toBe(digestText("a", "bc"))
    expect(checksum(1, bytes)).not.toEqual(checksum(2, bytes))
  })
})
