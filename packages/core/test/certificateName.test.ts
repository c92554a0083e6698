import * as CertificateName from "@sluice/core/CertificateName"
import { describe, expect, it } from "vitest"

describe("a name of a certificate", () => {
  it.each([
    ["example.org", "example.org", true],
    ["Example.ORG", "example.org.", true],
    ["example.org", "www.example.org", false],
    ["*.example.org", "www.example.org", true],
    ["*.EXAMPLE.org", "WWW.example.org", true],
    ["*.example.org", "example.org", false],
    ["*.example.org", ".example.org", false],
    ["*.example.org", "a.www.example.org", false],
    // Not one label alone, nor a part of one, nor anywhere but in front.
    ["*.org", "example.org", false],
    ["*", "localhost", false],
    ["w*.example.org", "www.example.org", false],
    ["www.*.org", "www.example.org", false],
    ["*.*.org", "www.example.org", false],
    ["*.example.org", "*.example.org", true],
    ["", "", false],
    ["", "example.org", false]
  ])("%s stands for %s: %s", (name, host, expected) => {
    expect(CertificateName.matches(name, host)).toBe(expected)
  })

  it("is looked for among several certificates: exactly, by wildcard, or the first of all", () => {
    const certificates = [["a.example"], ["*.b.example", "b.example"], ["x.b.example"], []]
    const select = (host: string | undefined) => CertificateName.select(certificates, host)
    expect(select("a.example")).toBe(0)
    expect(select("B.example")).toBe(1)
    expect(select("y.b.example")).toBe(1)
    expect(select("x.b.example")).toBe(2)
    expect(select("z.example")).toBe(0)
    expect(select(undefined)).toBe(0)
  })
})

describe("a distinguished name", () => {
  const names: ReadonlyArray<readonly [string, CertificateName.DistinguishedName]> = [
    ["", []],
    ["CN=example.org", [{ type: "CN", value: "example.org" }]],
    ["CN=a, CN=b, O=Example", [
      { type: "CN", value: "a" },
      { type: "CN", value: "b" },
      { type: "O", value: "Example" }
    ]],
    // What looks like an attribute is part of a value.
    ["O=Evil\\, CN\\=admin, CN=mallory", [{ type: "O", value: "Evil, CN=admin" }, { type: "CN", value: "mallory" }]],
    ["CN=a\\+b \\<c\\>\\; \\\"d\\\"", [{ type: "CN", value: "a+b <c>; \"d\"" }]],
    ["CN=\\#1\\\\", [{ type: "CN", value: "#1\\" }]],
    ["CN=\\ a  b \\ ", [{ type: "CN", value: " a  b  " }]],
    ["CN=", [{ type: "CN", value: "" }]],
    ["1.2.3=x", [{ type: "1.2.3", value: "x" }]],
    // Nothing that moves the cursor, turns the direction of writing or hides.
    ["CN=a\\0A\\1B\\C2\\9B\\E2\\80\\AE\\E2\\80\\A8\\EF\\BB\\BFz", [
      { type: "CN", value: "a\n\u001b\u009b\u202e\u2028\ufeffz" }
    ]],
    ["CN=Jürgen 名前", [{ type: "CN", value: "Jürgen 名前" }]]
  ]
  for (const [text, name] of names) {
    it(`has the text ${JSON.stringify(text)}, which is parsed to the same`, () => {
      expect(CertificateName.format(name)).toBe(text)
      expect(CertificateName.parse(text)).toEqual(name)
    })
  }

  it("is parsed as OpenSSL writes it, with line feeds and plus signs", () => {
    expect(CertificateName.parse("C=DE\nO=Evil\\, CN=admin\nCN=a\\+b + emailAddress=a@example.org")).toEqual([
      { type: "C", value: "DE" },
      { type: "O", value: "Evil, CN=admin" },
      { type: "CN", value: "a+b" },
      { type: "emailAddress", value: "a@example.org" }
    ])
  })

  it("gives the values of a type, in their order", () => {
    const name = CertificateName.parse("CN=a, O=x, CN=b")
    expect(CertificateName.values(name, "CN")).toEqual(["a", "b"])
    expect(CertificateName.values(name, "OU")).toEqual([])
  })
})
