/** The demo's output: a table of what listens where, a log line for each connection, and what was closed in the end. */
import * as Connection from "@sluice/core/Connection"
import type * as Server from "@sluice/core/Server"
import type * as UdpServer from "@sluice/core/UdpServer"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"

const services = ["hello", "echo", "udp", "chat", "web"] as const

type Service = typeof services[number]

const about: Record<Service, {
  readonly protocol: string
  readonly unit: string
  readonly command: (host: string, port: number) => string
}> = {
  hello: { protocol: "TCP", unit: "connection", command: (host, port) => `echo Hello | nc ${host} ${port}` },
  echo: { protocol: "TCP", unit: "connection", command: (host, port) => `nc ${host} ${port}` },
  udp: { protocol: "UDP", unit: "datagram", command: (host, port) => `echo Hello | nc -u -w 1 ${host} ${port}` },
  chat: {
    protocol: "TCP",
    unit: "connection",
    command: (host, port) => `nc ${host} ${port}, or: npm run -s example -- chat client --host ${host} --port ${port}`
  },
  web: { protocol: "HTTP", unit: "connection", command: (host, port) => `a browser: http://${urlHost(host)}:${port}/` }
}

export const make = () => {
  const addresses = new Map<Service, NetAddress.InetAddress>()
  const served = { hello: 0, echo: 0, udp: 0, chat: 0, web: 0 }

  return {
    /** Notes where a service listens. */
    listening: (service: Service) => (address: NetAddress.SocketAddress) =>
      Effect.sync(() => {
        if (NetAddress.isInetAddress(address)) addresses.set(service, address)
      }),

    /** Logs a line when a connection is done. */
    connections: <E, R>(service: Service, handler: Server.Handler<E, R>): Server.Handler<E, R> => (connection) =>
      timed(handler(connection), (duration) => {
        served[service]++
        const bytes = `${Connection.bytesIn(connection)} bytes in, ${Connection.bytesOut(connection)} out`
        return Effect.logInfo(`${service}: ${bytes}, ${duration}`)
      }),

    /** Logs a line when a datagram is done. */
    datagrams:
      <E, R>(service: Service, handler: UdpServer.Handler<E, R>): UdpServer.Handler<E, R> => (datagram, socket) =>
        timed(handler(datagram, socket), (duration) => {
          served[service]++
          const peer = NetAddress.formatInet(datagram.source)
          return Effect.annotateLogs(Effect.logInfo(`${service}: ${datagram.payload.length} bytes, ${duration}`), {
            peer
          })
        }),

    /** On top of the services: prints the table when they listen. */
    opening: Layer.effectDiscard(Effect.suspend(() => Console.log(formatTable(addresses)))),

    /** Below the services: says what was closed when they are. */
    closing: Layer.effectDiscard(Effect.addFinalizer(() =>
      addresses.size === services.length
        ? Effect.logInfo(
          `closed: ${services.map((each) => `${each} after ${counted(served[each], about[each].unit)}`).join(", ")}`
        )
        : Effect.void
    ))
  }
}

const urlHost = (host: string): string => host.includes(":") ? `[${host}]` : host

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? "" : "s"}`

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>, done: (duration: string) => Effect.Effect<void>) =>
  Effect.flatMap(Clock.currentTimeMillis, (began) =>
    Effect.ensuring(
      effect,
      Effect.flatMap(Clock.currentTimeMillis, (ended) => done(`${ended - began} ms`))
    ))

const formatTable = (addresses: ReadonlyMap<Service, NetAddress.InetAddress>): string => {
  const rows = services.flatMap((service) => {
    const address = addresses.get(service)
    if (address === undefined) return []
    const { command, protocol } = about[service]
    const listening = `${protocol} ${NetAddress.formatInet(address)}`
    return [`  ${service.padEnd(7)}${listening.padEnd(24)}${command(NetAddress.formatHost(address), address.port)}`]
  })
  return [`  ${"NAME".padEnd(7)}${"LISTENS ON".padEnd(24)}TALK TO IT WITH`, ...rows, "", "Ctrl-C ends it."].join("\n")
}
