// The name servers that are measured, each with one thread, and a server that they ask for other names.
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { onCore } from "../../../../node/bench/cores.ts"
import type { Contestant } from "../section.ts"

export interface NameServer extends Contestant {
  readonly port: number
  /** Where the files with queries are. */
  readonly folder: string
}

/** Writes a file to a folder, and returns its path. */
export const write = (folder: string, name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

/** The zone that each server serves. */
export const zone = `$ORIGIN example.org.
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

/** The zone of the other server. */
export const others = `$ORIGIN example.net.
$TTL 86400
@ SOA ns hostmaster 1 7200 900 1209600 86400
@ NS ns
ns A 198.51.100.1
* A 198.51.100.2
`

export const sluice = (port: number, ...more: ReadonlyArray<string>): ReadonlyArray<string> => [
  process.execPath,
  resolve(import.meta.dirname, "../../../src/main.ts"),
  "dns",
  "server",
  "--port",
  `${port}`,
  ...more
]

export const dnsmasq = (folder: string, port: number, upstream: number): ReadonlyArray<string> => {
  const user = process.getuid?.() === 0 ? ["--user=root"] : []
  return [
    "dnsmasq",
    "--keep-in-foreground",
    ...user,
    `--conf-file=${write(folder, "dnsmasq", dnsmasqOptions(port, upstream))}`
  ]
}

const dnsmasqOptions = (port: number, upstream: number): string =>
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

export const unbound = (folder: string, zone: string, port: number, upstream: number): ReadonlyArray<string> => [
  "unbound",
  "-d",
  "-c",
  write(folder, "unbound", unboundOptions(folder, zone, port, upstream))
]

const unboundOptions = (folder: string, zone: string, port: number, upstream: number): string =>
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

/** A port that is free now. */
export const freePort = async (): Promise<number> => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1")
  await once(socket, "listening")
  const { port } = socket.address()
  socket.close()
  await once(socket, "close")
  return port
}

/** Starts a server on a core, and waits until it answers for a name. */
export const start = async (
  { core, ...server }: {
    readonly name: string
    readonly core: number | undefined
    readonly port: number
    readonly folder: string
  },
  command: ReadonlyArray<string>,
  known: string
): Promise<NameServer> => {
  const [program, ...args] = onCore(core, command)
  const child = spawn(program!, args, { stdio: "ignore" })
  process.once("exit", () => child.kill())
  const ask = ["@127.0.0.1", "-p", `${server.port}`, "+tries=1", "+time=1", "+short", known]
  for (let attempt = 0; attempt < 100; attempt++) {
    if (/^\d/.test(spawnSync("dig", ask, { encoding: "utf8" }).stdout)) return { ...server, stop: () => end(child) }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await end(child)
  throw new Error(`${server.name} does not answer`)
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, "close")
}
