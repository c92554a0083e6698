import { describe, expect, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { checkConnect, checkListen } from "../src/internal/network/options.ts"
import { checkBind } from "../src/internal/udp/options.ts"
import { defaults as policy } from "../src/ServerPolicy.ts"

const root = join(import.meta.dirname, "../../..")

/**
 * The defaults that a page tells: in tables whose first column is the option and whose second is the default, and in
 * lists of `option` (default): purpose. The first one of a name counts.
 */
const defaultsOf = (page: string): ReadonlyMap<string, string> => {
  let inTable = false
  const rows = readFileSync(join(root, page), "utf8").split("\n").flatMap((line) => {
    const cells = line.split("|").map((cell) => cell.trim())
    if (!line.startsWith("|")) inTable = false
    const [, names, told] = /^- (`[^(]+`) \((.+?)\): /.exec(line) ?? []
    if (names !== undefined) return [[names.replaceAll("`", ""), told!] as const]
    if (cells[1]?.startsWith("option") === true && cells[2] === "default") inTable = true
    return inTable ? [[cells[1]!.replaceAll("`", ""), cells[2]!] as const] : []
  })
  return new Map(rows.toReversed())
}

const listen = Result.getOrThrow(checkListen({}, "nowhere"))
const connect = Result.getOrThrow(checkConnect({}, "nowhere"))
const bind = Result.getOrThrow(checkBind({}, "nowhere"))

const seconds = (millis: number) => `${millis / 1000} seconds`
const limit = (value: number | undefined) => value === undefined || value === Infinity ? "none" : String(value)
const code = (value: unknown) => `\`${JSON.stringify(value)}\``
const probes = (value: number | undefined) => value === undefined ? "`false`" : seconds(value)

describe("the defaults that the guide tells", () => {
  it("of servers", () => {
    expect(Object.fromEntries(defaultsOf("docs/servers.md"))).toMatchObject({
      maxConnections: limit(policy.maxConnections),
      whenFull: code(policy.whenFull),
      maxConnectionsPerAddress: limit(policy.maxConnectionsPerAddress),
      idleTimeout: limit(policy.idleTimeout),
      readTimeout: limit(policy.readTimeout),
      writeTimeout: limit(policy.writeTimeout),
      maxLifetime: limit(policy.maxLifetime),
      "drain or drain.grace": policy.drain.grace,
      "drain.idle": limit(policy.drain.idle),
      closeTimeout: seconds(listen.closeTimeout),
      backlog: limit(listen.backlog),
      noDelay: code(listen.noDelay),
      keepAlive: probes(listen.keepAlive),
      reusePort: code(listen.reusePort),
      ipv6Only: code(listen.ipv6Only)
    })
  })

  it("of clients", () => {
    expect(Object.fromEntries(defaultsOf("docs/connections.md"))).toMatchObject({
      connectTimeout: seconds(connect.connectTimeout),
      attemptDelay: `${connect.attemptDelay} ms`,
      noDelay: code(connect.noDelay),
      keepAlive: probes(connect.keepAlive),
      closeTimeout: seconds(connect.closeTimeout)
    })
  })

  it("of datagram sockets", () => {
    expect(Object.fromEntries(defaultsOf("docs/udp.md"))).toMatchObject({ reuseAddress: code(bind.reuseAddress) })
    const text = readFileSync(join(root, "docs/udp.md"), "utf8")
    expect(text).toContain(`a queue of \`queueCapacity\` datagrams (${bind.queueCapacity})`)
  })

  it("leaves out no option of the policy", () => {
    const told = [...defaultsOf("docs/servers.md").keys()].map((name) => name.replace("drain or ", ""))
    const options = Object.keys(policy).flatMap((name) =>
      name === "drain" ? Object.keys(policy.drain).map((each) => `drain.${each}`) : [name]
    )
    const operating = readFileSync(join(root, "docs/operating.md"), "utf8")
    expect(options.filter((name) => !told.includes(name) && !operating.includes(`\`${name}\``))).toEqual([])
  })
})
