// A chat by hand, on node:net: as little as serves the benchmark, and yet what a careful program has: lines that are cut
// anywhere, names, rooms, no control characters, one buffer for all receivers, and a bound for who does not read.
import * as Net from "node:net"
import { ready } from "../../../node/bench/servers/ready.ts"

const longestLine = 8192
const mostWaiting = 1_000_000

interface Client {
  readonly socket: Net.Socket
  name: string
  room: Set<Client> | undefined
  rest: string
}

type Tell = (client: Client, text: string | Uint8Array) => void

const rooms = new Map<string, Set<Client>>()
let guests = 0

const tell: Tell = ({ socket }, text) => {
  if (socket.writableLength > mostWaiting) socket.destroy()
  else socket.write(text)
}

const leave = (client: Client): void => {
  client.room?.delete(client)
}

const join = (client: Client, name: string): void => {
  leave(client)
  let room = rooms.get(name)
  if (room === undefined) rooms.set(name, room = new Set())
  room.add(client)
  client.room = room
}

const control = /[\p{Cc}\u202a-\u202e]/gu

/** Serves a chat; `fan` gives lines that came at once to all receivers. */
export const serveChat = (
  fan: (lines: ReadonlyArray<string>, receivers: ReadonlySet<Client>, tell: Tell) => void
): void => {
  const hear = (client: Client, chunk: string): void => {
    const lines = (client.rest + chunk).split("\n")
    client.rest = lines.pop()!
    if (client.rest.length > longestLine) return void client.socket.destroy()
    const said: Array<string> = []
    for (const line of lines) {
      if (line[0] !== "/") {
        said.push(`<${client.name}> ${line.replace(control, "")}\n`)
        continue
      }
      const [command, operand = ""] = line.split(" ")
      if (command === "/nick") client.name = operand
      else if (command === "/join") join(client, operand)
      else if (command === "/ping") tell(client, `-- pong ${operand}\n`)
    }
    if (said.length > 0 && client.room !== undefined) fan(said, client.room, tell)
  }

  const server = Net.createServer({ noDelay: true }, (socket) => {
    const client: Client = { socket, name: `guest${++guests}`, room: undefined, rest: "" }
    socket.setEncoding("utf8")
    socket.on("data", (chunk) => hear(client, chunk as string))
    socket.on("error", () => socket.destroy())
    socket.on("close", () => leave(client))
    tell(client, `-- you are now called ${client.name}\n`)
  })
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1024 }, () => ready((server.address() as Net.AddressInfo).port))
}
