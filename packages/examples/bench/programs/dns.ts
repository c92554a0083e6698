// Compares the dns program with dnsmasq and unbound, one thread each: queries that dnsperf sends over loopback, answered from
// a zone, and from what another server answered before. All need the Debian packages dnsperf, dnsmasq-base and unbound.
// `node packages/examples/bench/programs/dns.ts --help` tells the flags.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { createSocket } from "node:dgram"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { cores, onCore } from "../../../node/bench/cores.ts"
import { interleave } from "../../../node/bench/interleave.ts"
import { readOptions } from "../../../node/bench/options.ts"
import { publish } from "../../../node/bench/publish.ts"
import { Results, type Row } from "../../../node/bench/results.ts"

const options = readOptions("dns", { full: { rounds: 5, seconds: 4 }, quick: { rounds: 3, seconds: 1 } })
const folder = mkdtempSync(join(tmpdir(), "sluice-dns-"))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

// ---------------------------------------------------------------------------------------------------------------------
// What is asked
// ---------------------------------------------------------------------------------------------------------------------

const zone = file(
  "zone",
  `$ORIGIN example.org.
$TTL 3600
@ SOA ns hostmaster 1 7200 900 1209600 300
@ NS ns
@ MX 10 mail
ns A 192.0.2.1
mail A 192.0.2.3
mail AAAA 2001:db8::3
www CNAME web
web A 192.0.2.10
txt TXT "hello world"
_sip._tcp SRV 0 5 5060 web
`
)

const others = file(
  "others",
  `$ORIGIN example.net.
$TTL 86400
@ SOA ns hostmaster 1 7200 900 1209600 86400
@ NS ns
ns A 198.51.100.1
* A 198.51.100.2
`
)

const ownQueries = file(
  "own",
  ["www A", "web A", "mail A", "mail AAAA", "txt TXT", "_sip._tcp SRV", "nobody A"]
    .map((query) => query.replace(" ", ".example.org ")).concat("example.org MX").join("\n")
)
const otherQueries = file("other", Array.from({ length: 500 }, (_, i) => `host${i}.example.net A`).join("\n"))

interface Question extends Row {
  readonly queries: string
  readonly transport: "udp" | "tcp"
  /** How many queries wait for answers at a time, over as many clients as dnsperf has. */
  readonly inFlight: number
}

const question = (name: string, queries: string, transport: "udp" | "tcp", inFlight = 64): Question => ({
  name: `${name}, ${transport.toUpperCase()}, ${inFlight} in flight`,
  unit: "k/s",
  better: "more",
  queries,
  transport,
  inFlight
})

const rows = [
  question("from the zone", ownQueries, "udp"),
  question("from the zone", ownQueries, "udp", 1),
  question("from the zone", ownQueries, "tcp"),
  question("from the cache", otherQueries, "udp")
].filter(({ name }) => options.isWanted(name))

// ---------------------------------------------------------------------------------------------------------------------
// Who is asked
// ---------------------------------------------------------------------------------------------------------------------

const sluice = (port: number, ...more: ReadonlyArray<string>) => [
  process.execPath,
  resolve(import.meta.dirname, "../../src/main.ts"),
  "dns",
  "server",
  "--port",
  `${port}`,
  ...more
]

const dnsmasq = (port: number, upstream: number) => [
  "dnsmasq",
  "--keep-in-foreground",
  ...(process.getuid?.() === 0 ? ["--user=root"] : []),
  `--conf-file=${
    file(
      "dnsmasq",
      `port=${port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
cache-size=10000
local-ttl=3600
server=/example.net/127.0.0.1#${upstream}
local=/example.org/
host-record=web.example.org,192.0.2.10
host-record=mail.example.org,192.0.2.3,2001:db8::3
cname=www.example.org,web.example.org
mx-host=example.org,mail.example.org,10
txt-record=txt.example.org,hello world
srv-host=_sip._tcp.example.org,web.example.org,5060,0,5
`
    )
  }`
]

const unbound = (port: number, upstream: number) => [
  "unbound",
  "-d",
  "-c",
  file(
    "unbound",
    `server:
  interface: 127.0.0.1@${port}
  num-threads: 1
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  pidfile: ""
  directory: "${folder}"
  module-config: "iterator"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
remote-control:
  control-enable: no
auth-zone:
  name: "example.org"
  zonefile: "${zone}"
  for-upstream: yes
  for-downstream: yes
forward-zone:
  name: "example.net"
  forward-addr: 127.0.0.1@${upstream}
`
  )
]

/** A port that is free now. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const socket = createSocket("udp4").bind(0, "127.0.0.1", () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })

const running: Array<ChildProcess> = []

/** Starts a server, and waits until it answers. */
const start = async (core: number | undefined, command: ReadonlyArray<string>, port: number, name: string) => {
  const [program, ...args] = onCore(core, command)
  const child = spawn(program!, args, { stdio: "ignore" })
  running.push(child)
  const ask = ["@127.0.0.1", "-p", `${port}`, "+tries=1", "+time=1", "+short", name]
  for (let attempt = 0; attempt < 50; attempt++) {
    if (spawnSync("dig", ask).stdout.toString().startsWith("1")) return port
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${program} does not answer`)
}

/** Thousand queries a second. */
const measure = ({ inFlight, queries, transport }: Question, port: number, seconds: number): number => {
  const clients = Math.min(8, inFlight)
  const flags = { s: "127.0.0.1", p: port, d: queries, m: transport, l: seconds, c: clients, q: inFlight }
  const command = ["dnsperf", ...Object.entries(flags).flatMap(([flag, value]) => [`-${flag}`, `${value}`])]
  const [program, ...args] = onCore(cores?.load, command)
  const said = execFileSync(program!, args, { stdio: ["ignore", "pipe", "ignore"] }).toString()
  const value = (label: string) => Number(new RegExp(`${label}: +([\\d.]+)`).exec(said)?.[1])
  const lost = value("Queries lost") / value("Queries sent")
  if (!(lost < 0.1)) throw new Error(`${lost * 100} % of the queries were lost`)
  return value("Queries per second") / 1000
}

try {
  const upstream = await freePort()
  await start(cores?.load, sluice(upstream, "--zone", others), upstream, "ns.example.net")
  const contestants = []
  for (
    const { command, name } of [
      { name: "dnsmasq", command: dnsmasq },
      { name: "unbound", command: unbound },
      {
        name: "Sluice dns",
        command: (port: number, upstream: number) => sluice(port, "--zone", zone, "--forward", `127.0.0.1:${upstream}`)
      }
    ]
  ) {
    const port = await freePort()
    contestants.push({ name, port: await start(cores?.server, command(port, upstream), port, "web.example.org") })
  }
  const results = new Results(rows, contestants.map(({ name }) => name))
  // In the first round the compiler warms up, and the caches fill; it does not count.
  await interleave(options.rounds + 1, rows, contestants, async (row, { name, port }, round) => {
    const rate = measure(row, port, round === 0 ? 3 * options.seconds : options.seconds)
    if (round > 0) results.add(row, name, rate)
  })
  publish("Name servers over loopback: thousand queries a second by dnsperf", results, options, { language: "C" }, [
    "Each server has one thread. From the zone: eight names, an eighth of which does not exist. From the cache: 500 names of",
    "another server, which is asked once for each. dnsmasq closes a TCP connection after 100 queries, and loses some."
  ])
} finally {
  for (const child of running) child.kill()
  rmSync(folder, { recursive: true })
}
