// A chat by hand, on node:net: as little as serves the benchmark, and yet what a careful program has: lines that are cut
// anywhere, names, rooms, one buffer for all receivers, what came at once written at once, and a bound for who does not read.
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

const rooms = new Map<string, Set<Client>>()
let guests = 0

const tell = ({ socket }: Client, text: string | Buffer): void => {
  if (socket.writableLength > mostWaiting) socket.destroy()
  else socket.write(text)
}

const leave = (client: Client): void => {
  const { name, room } = client
  if (room === undefined) return
  client.room = undefined
  room.delete(client)
  for (const other of room) tell(other, `-- ${name} left\n`)
}

const join = (client: Client, name: string): void => {
  leave(client)
  let room = rooms.get(name)
  if (room === undefined) rooms.set(name, room = new Set())
  for (const other of room) tell(other, `-- ${client.name} joined\n`)
  room.add(client)
  client.room = room
}

// eslint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f]/g

const hear = (client: Client, chunk: string): void => {
  const lines = (client.rest + chunk).split("\n")
  client.rest = lines.pop()!
  if (client.rest.length > longestLine) return void client.socket.destroy()
  let said = ""
  for (const line of lines) {
    if (line[0] !== "/") {
      said += `<${client.name}> ${line.replace(control, "")}\n`
      continue
    }
    const [command, operand = ""] = line.split(" ")
    if (command === "/nick") client.name = operand
    else if (command === "/join") join(client, operand)
    else if (command === "/ping") tell(client, `-- pong ${operand}\n`)
  }
  if (said === "" || client.room === undefined) return
  const bytes = Buffer.from(said)
  for (const other of client.room) tell(other, bytes)
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
