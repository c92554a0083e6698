import { describe, expect, it, onTestFinished } from "@effect/vitest"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as ChildProcess from "node:child_process"
import * as Http from "node:http"
import type * as Net from "node:net"
import { promisify } from "node:util"
import { freePort } from "../../../node/test/fixtures/freePort.ts"
import * as rules from "../../src/socks/rules.ts"
import { fileOf } from "../folder.ts"
import { connect, isThere, once, run, serve, stop, withoutDraining } from "../program.ts"

const execFile = promisify(ChildProcess.execFile)

describe("a rule", () => {
  it.each([
    ["10.0.0.0/8", "network"],
    ["192.0.2.1", "network"],
    ["2001:db8::/32", "network"],
    ["::1", "network"],
    ["example.org", "name"],
    ["*.Example.org", "name"],
    [".example.org.", "name"],
    ["localhost", "name"],
    ["10.0.0.1/8", "nothing"],
    ["::ffff:10.0.0.0/104", "nothing"],
    ["1.2.3", "nothing"],
    ["a..b", "nothing"],
    ["*", "nothing"],
    ["", "nothing"]
  ])("%s is a %s", (text, expected) => {
    const rule = rules.parse(text)
    expect(Option.isNone(rule) ? "nothing" : rule.value._tag.toLowerCase()).toBe(expected)
  })

  const parsed = (text: string) =>
    text === "" ? [] : text.split(" ").map((each) => Option.getOrThrow(rules.parse(each)))
  it.each([
    ["", "", "127.0.0.1", undefined, true],
    ["", "127.0.0.0/8", "0.0.0.0", undefined, false],
    ["", "::1", "::", undefined, false],
    ["", "127.0.0.0/8", "::ffff:0.0.0.0", undefined, false],
    ["10.0.0.0/8", "", "10.1.2.3", undefined, true],
    ["10.0.0.0/8", "", "11.1.2.3", undefined, false],
    ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", undefined, false],
    ["10.0.0.0/8", "", "::ffff:10.1.2.3", undefined, true],
    ["", "10.0.0.0/8", "::ffff:10.1.2.3", undefined, false],
    ["example.org", "", "192.0.2.1", "WWW.Example.org.", true],
    ["example.org", "", "192.0.2.1", "example.org", true],
    ["example.org", "", "192.0.2.1", "my-example.org", false],
    ["example.org", "", "192.0.2.1", undefined, false],
    ["", "example.org", "192.0.2.1", "a.example.org", false],
    ["example.org", "192.0.2.0/24", "192.0.2.1", "example.org", false]
  ])("allow %j, deny %j: %s by the name %s is %s", (allow, deny, ip, name, expected) => {
    const address = NetAddress.ipFromStringUnsafe(ip)
    expect(rules.isAllowed({ allow: parsed(allow), deny: parsed(deny), isPublic: false }, { address, name })).toBe(
      expected
    )
  })

  it.each<readonly [string, boolean]>([
    ["8.8.8.8", true],
    ["172.15.255.255", true],
    ["2a00::1", true],
    ...[
      "0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.168.0.1 198.18.0.1",
      "224.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 fc00::1 fd00::1 fe80::1 ff02::1",
      "2001:db8::1 2002:7f00:1::"
    ].flatMap((line) => line.split(" ").map((ip) => [ip, false] as const))
  ])("%s is on the Internet: %s", (ip, expected) => {
    const address = NetAddress.ipFromStringUnsafe(ip)
    expect(rules.isAllowed({ allow: [], deny: [], isPublic: true }, { address })).toBe(expected)
  })
})

/** A server of a page, which is a megabyte. */
const page = "0123456789abcdef".repeat(65_536)
const web = async (): Promise<number> => {
  const server = Http.createServer((request, response) => response.end(request.url === "/big" ? page : "hello"))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as Net.AddressInfo).port
}

/** What a command prints, or what it says when it fails. */
const outcome = (command: string, args: ReadonlyArray<string>): Promise<string> =>
  execFile(command, args, { maxBuffer: 10_000_000 }).then(({ stdout }) => stdout, ({ stderr }) => String(stderr))

const hasCurl = isThere("curl", "--version")
// Shows its usage, and fails.
const hasProxychains = isThere("proxychains4")

describe.skipIf(!hasCurl)("socks server", () => {
  it("connects curl, with the right password, to what is allowed", async () => {
    const passwords = fileOf("passwords", "# users\nbob:secret word\nann:a:b\n")
    const [private_, public_, http, closed] = await Promise.all([
      serve(`socks server --password-file ${passwords} --deny 127.0.0.2,evil.test`),
      serve("socks server --public"),
      web(),
      freePort()
    ])
    const curl = (proxy: string, url: string, port = private_.port) =>
      outcome("curl", ["-sS", "-m", "120", "--proxy", `${proxy}127.0.0.1:${port}`, url])
    const byName = "socks5h://bob:secret%20word@"
    const byAddress = "socks5://bob:secret%20word@"
    const said = await Promise.all([
      curl(byName, `http://localhost:${http}/`),
      curl(byAddress, `http://127.0.0.1:${http}/`),
      curl(byName, `http://127.0.0.1:${http}/big`),
      curl("socks5h://bob:wrong@", `http://localhost:${http}/`),
      curl("socks5h://ann:a%3Ab@", `http://localhost:${http}/`),
      curl("socks5h://alice:secret%20word@", `http://localhost:${http}/`),
      curl("socks5h://", `http://localhost:${http}/`),
      curl(byName, `http://127.0.0.2:${http}/`),
      curl(byName, "http://a.evil.test/"),
      curl(byName, "http://nobody.invalid/"),
      curl(byName, `http://127.0.0.1:${closed}/`),
      curl("socks5h://", `http://localhost:${http}/`, public_.port),
      curl("socks5h://", `http://0.0.0.0:${http}/`, public_.port),
      curl("socks5h://", `http://[::ffff:127.0.0.1]:${http}/`, public_.port)
    ])
    const rejected = (host: string, code: number) =>
      `curl: (97) Can't complete SOCKS5 connection to ${host}. (${code})\n`
    expect(said.map((each) => each === page ? "the page" : each)).toEqual([
      "hello",
      "hello",
      "the page",
      "curl: (97) User was rejected by the SOCKS5 server (1 1).\n",
      "hello",
      "curl: (97) User was rejected by the SOCKS5 server (1 1).\n",
      "curl: (97) No authentication method was acceptable.\n",
      rejected("127.0.0.2", 2),
      rejected("a.evil.test", 2),
      rejected("nobody.invalid", 4),
      rejected("127.0.0.1", 5),
      rejected("localhost", 2),
      rejected("0.0.0.0", 2),
      rejected("::ffff:127.0.0.1", 2)
    ])

    const { stderr, code, stdout } = await stop(public_)
    expect({ code, stdout: stdout.includes("listening") }).toEqual({ code: 0, stdout: true })
    expect(withoutDraining(stderr)).toMatch(
      /WARN anyone can connect through this server; give --password-file\n$/
    )
    const ended = await stop(private_)
    expect(ended.stderr).toMatch(/^.* WARN wrong user name or password peer=127\.0\.0\.1:\d+\n/)
    expect(ended.stderr).not.toContain("secret")
  })

  it.skipIf(!hasProxychains)("carries a half-close, and serves proxychains4", async () => {
    const [proxy, echo, http] = await Promise.all([serve("socks server"), serve("echo server"), web()])
    const file = fileOf("chains", `strict_chain\nproxy_dns\n[ProxyList]\nsocks5 127.0.0.1 ${proxy.port}\n`)
    expect(await outcome("proxychains4", ["-q", "-f", file, "curl", "-sS", `http://127.0.0.1:${http}/`])).toBe("hello")

    // A client that does not wait for any reply, and ends before the first.
    const socket = await connect({ port: proxy.port, host: "127.0.0.1" })
    const chunks: Array<Buffer> = []
    socket.on("data", (chunk: Buffer) => chunks.push(chunk))
    const request = Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, echo.port >> 8, echo.port & 0xff])
    socket.end(Buffer.concat([request, Buffer.from(page)]))
    await once(socket, "end")
    const bytes = Buffer.concat(chunks)
    expect([...bytes.subarray(0, 10)]).toEqual([5, 0, 5, 0, 0, 1, 127, 0, 0, 1])
    expect(bytes.subarray(12).toString() === page).toBe(true)
    const ended = await stop(proxy)
    expect([ended.code, withoutDraining(ended.stderr)]).toEqual([0, ""])
  })

  it("says in one line which flag is wrong", async () => {
    const wrong = [
      `--password-file ${fileOf("passwords", "bob\n")}`,
      `--password-file ${fileOf("long", `# people\nbob:${"ü".repeat(128)}\n`)}`,
      "--allow 10.0.0.1/8",
      "--handshake-timeout 0s",
      "--connect-timeout 0s"
    ]
    const errors = await Promise.all(wrong.map((flags) => run(`socks server ${flags}`)))
    for (const { code, stderr } of errors) expect([code, stderr.split("\n").length]).toEqual([1, 2])
    for (const line of [1, 2]) {
      expect(errors[line - 1]!.stderr).toBe(
        `line ${line} of the password file is wrong; write NAME:PASSWORD, each of at most 255 bytes\n`
      )
    }
    for (const [i, flag] of ["--allow", "--handshake-timeout", "--connect-timeout"].entries()) {
      expect(errors[i + 2]!.stderr).toContain(flag)
    }
  })
})
