import * as Endpoint from "@sluice/core/Endpoint"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"

describe("Endpoint", () => {
  it.each([
    ["tcp://127.0.0.1:9000", "tcp://127.0.0.1:9000"],
    ["127.0.0.1:9000", "tcp://127.0.0.1:9000"],
    ["localhost:9000", "tcp://localhost:9000"],
    ["tcp://[::1]:0", "tcp://[::1]:0"],
    ["tcp://[0:0:0:0:0:0:0:1]:80", "tcp://[::1]:80"],
    ["[fe80::1%eth0]:80", "tcp://[fe80::1%eth0]:80"],
    ["tls://example.org:443", "tls://example.org:443"],
    ["udp://0.0.0.0:65535", "udp://0.0.0.0:65535"],
    ["unix:///run/app.sock", "unix:///run/app.sock"],
    ["unix:///run/with space:80", "unix:///run/with space:80"],
    ["fd://3", "fd://3"],
    ["systemd://web.socket", "systemd://web.socket"],
    ["systemd://", "systemd://"]
  ])("reads %s and writes it as %s", (text, canonical) => {
    const endpoint = Result.getOrThrow(Endpoint.parse(text))
    expect(Endpoint.format(endpoint)).toBe(canonical)
    expect(Endpoint.parse(canonical)).toStrictEqual(Result.succeed(endpoint))
  })

  it.each([
    ["127.0.0.1", "port"],
    ["tcp://[::1]", "port"],
    ["localhost:", "port"],
    ["localhost:http", "port"],
    ["localhost:65536", "port"],
    ["localhost:-1", "port"],
    ["localhost:99999999999", "port"],
    [":80", "host"],
    ["::1:80", "host"],
    ["[127.0.0.1]:80", "host"],
    ["[::1:80", "host"],
    ["[::g]:80", "host"],
    ["256.1.1.1:80", "host"],
    ["under score:80", "host"],
    ["http://localhost:80", "scheme"],
    ["toString://localhost:80", "scheme"],
    ["unix://relative.sock", "path"],
    ["unix://", "path"],
    ["fd://2", "descriptor"],
    ["fd://03", "descriptor"],
    ["fd://", "descriptor"],
    ["systemd://a:b", "name"],
    ["systemd://a b", "name"],
    ["", "port"]
  ])("says of %s that the %s is wrong", (text, part) => {
    const result = Endpoint.parse(text)
    expect(Result.isFailure(result) && result.failure.reason).toMatchObject({
      _tag: "InvalidEndpoint",
      input: text,
      part
    })
  })

  it("of an inherited socket has a fallback, which is checked too", () => {
    const endpoint = Endpoint.inherited("localhost:9000", "web")
    expect(endpoint).toMatchObject({ _tag: "Inherited", socket: "web", fallback: { _tag: "Tcp", port: 9000 } })
    expect(Endpoint.fromInput(endpoint)).toStrictEqual(Result.succeed(endpoint))
    expect(Endpoint.format(Endpoint.inherited("unix:///run/a.sock", 3))).toBe("fd://3")
    for (const fallback of ["localhost", "udp://localhost:9", "fd://3"]) {
      expect(() => Endpoint.inherited(fallback)).toThrow(/^cannot use /)
    }
    const odd = Endpoint.fromInput({ ...endpoint, fallback: { ...Endpoint.tcp("localhost", 1), port: 70_000 } })
    expect(Result.isFailure(odd) && odd.failure.reason).toMatchObject({ _tag: "InvalidEndpoint", part: "port" })
  })

  it("shows no password of a URL, and says that nothing goes behind the port", () => {
    const messageOf = (text: string) => {
      const result = Endpoint.parse(text)
      return Result.isFailure(result) ? result.failure.message : ""
    }
    expect(messageOf("tcp://ann:secret@db.test:5432")).toBe(
      "cannot use tcp://…@db.test:5432: invalid host in \"tcp://…@db.test:5432\"; use no user name or password"
    )
    expect(messageOf("ann:open@sesame@db.test:5432")).not.toContain("sesame")
    expect(messageOf("postgres://ann:secret@db.test/app")).toContain("\"postgres://…@db.test/app\"")
    expect(messageOf("tcp://db.test:5432/path")).toContain("use nothing behind the port")
    expect(messageOf("tcp://db\n.test:1")).not.toContain("\n")
  })

  it("says what would be right, in one line", () => {
    const result = Endpoint.parse("localhost:70000") as Result.Failure<never, NetworkError.NetworkError>
    expect(result.failure.message).toBe(
      "cannot use localhost:70000: invalid port in \"localhost:70000\"; use a whole number from 0 to 65535"
    )
  })

  it("checks what was made by hand as it checks text", () => {
    expect(Result.isFailure(Endpoint.fromInput({ _tag: "Unix", path: "relative" }))).toBe(true)
    expect(Result.isSuccess(Endpoint.fromInput(Endpoint.tcp("::1", 80)))).toBe(true)
    expect(() => Endpoint.tcp("localhost", 70000)).toThrow("invalid port in")
    expect(() => Endpoint.udp("not a host", 1)).toThrow("invalid host in")
  })

  it("is made from a socket's address", () => {
    const address = NetAddress.inetAddressFromStringUnsafe("[::1]:80")
    expect(Endpoint.format(Endpoint.fromAddress(address))).toBe("tcp://[::1]:80")
    expect(Endpoint.format(Endpoint.fromAddress(NetAddress.unixPathAddress("/a")))).toBe("unix:///a")
  })
})
