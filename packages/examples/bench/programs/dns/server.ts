// dnsperf against dnsmasq, unbound and the program `dns server`.
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { cores, onCore } from "../../../../node/bench/cores.ts"
import { type Measured, section } from "../section.ts"
import * as servers from "./servers.ts"

/** What is asked, by the name of a file that has it. */
const queries = {
  zone: ["www A", "web A", "mail A", "mail AAAA", "txt TXT", "_sip._tcp SRV", "nobody A"]
    .map((query) => query.replace(" ", ".example.org ")).concat("example.org MX"),
  cache: Array.from({ length: 500 }, (_, i) => `host${i}.example.net A`)
}

/** Sends queries with dnsperf for some seconds, and returns how many were answered in one, in thousands. */
const load = (file: string, transport: string, inFlight: number, seconds: number, port: number): number => {
  const flags = { d: file, s: "127.0.0.1", p: port, m: transport, l: seconds, c: Math.min(8, inFlight), q: inFlight }
  const command = ["dnsperf", ...Object.entries(flags).flatMap(([flag, value]) => [`-${flag}`, `${value}`])]
  const [program, ...args] = onCore(cores?.load, command)
  const { stdout } = spawnSync(program!, args, { encoding: "utf8" })
  const value = (label: string) => Number(new RegExp(`${label}: +([\\d.]+)`).exec(stdout)?.[1])
  const lost = value("Queries lost") / value("Queries sent")
  // dnsmasq closes a TCP connection after 100 queries, and loses those that are in flight.
  if (!(lost < 0.1)) throw new Error(`dnsperf lost ${lost * 100} % of its queries: ${stdout.slice(-1000)}`)
  return value("Queries per second") / 1000
}

const row = (
  source: keyof typeof queries,
  transport: "udp" | "tcp",
  inFlight: number
): Measured<servers.NameServer> => ({
  name: `from the ${source}, ${transport.toUpperCase()}, ${inFlight} in flight`,
  unit: "k/s",
  better: "more",
  measure: async ({ folder, port }, { seconds }) => load(join(folder, source), transport, inFlight, seconds, port)
})

export const dnsServer = section<servers.NameServer>({
  title: "dns server, queries of 8 names of a zone, and of 500 names of another server",
  rows: [row("zone", "udp", 64), row("zone", "udp", 1), row("zone", "tcp", 64), row("cache", "udp", 64)],
  start: async () => {
    const needed = { dnsperf: "-h", dnsmasq: "--version", unbound: "-V", dig: "-v" }
    const missing = Object.entries(needed).filter(([program, flag]) => spawnSync(program, [flag]).error !== undefined)
    if (missing.length > 0) return { missing: missing.map(([program]) => program).join(", ") }
    const folder = mkdtempSync(join(tmpdir(), "sluice-dns-"))
    for (const [name, lines] of Object.entries(queries)) servers.write(folder, name, lines.join("\n"))
    const upstream = await servers.freePort()
    const asked = servers.sluice(upstream, "--zone", servers.write(folder, "others", servers.others))
    const other = await servers.start(
      { name: "the other server", core: cores?.load, folder, port: upstream },
      asked,
      "ns.example.net"
    )
    const own = servers.write(folder, "own", servers.zone)
    const commands = {
      dnsmasq: (port: number) => servers.dnsmasq(folder, port, upstream),
      unbound: (port: number) => servers.unbound(folder, own, port, upstream),
      Sluice: (port: number) => servers.sluice(port, "--zone", own, "--forward", `127.0.0.1:${upstream}`)
    }
    const started: Array<servers.NameServer> = []
    for (const [name, command] of Object.entries(commands)) {
      const port = await servers.freePort()
      const options = { name, core: cores?.server, folder, port }
      started.push(await servers.start(options, command(port), "web.example.org"))
      // What Node compiles takes longer than a round.
      load(join(folder, "zone"), "udp", 64, 5, port)
    }
    const stop = async () => {
      for (const each of [...started, other]) await each.stop()
      rmSync(folder, { recursive: true })
    }
    return started.map((each) => each.name === "Sluice" ? { ...each, stop } : each)
  }
})
