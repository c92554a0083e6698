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
