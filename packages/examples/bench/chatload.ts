// What chatload.c does, for machines without a compiler: the same arguments, the same line of JSON, slower.
import * as Net from "node:net"
import { Measurement } from "../../node/bench/load/measurement.ts"

const [mode, port, ...numbers] = process.argv.slice(2)
const lineLength = 64

let addresses = 0

const dial = (): Net.Socket =>
  Net.connect({
    host: "127.0.0.1",
    port: Number(port),
    noDelay: true,
    ...process.platform === "linux" ? { localAddress: `127.0.0.${2 + addresses++ % 250}` } : {}
  })

/** Sends this, and waits until that has come. */
const expect = (socket: Net.Socket, text: string, expected: string): Promise<Net.Socket> =>
  new Promise((resolve, reject) => {
    let heard = ""
    const hear = (chunk: Buffer) => {
      heard += chunk.toString("latin1")
      if (!heard.includes(expected)) return
      socket.off("data", hear)
      resolve(socket)
    }
    socket.on("data", hear).on("error", reject).write(text)
  })

const enter = (index: number) => expect(dial(), `/nick n${index}\n/join bench\n/ping in${index}\n`, `pong in${index}\n`)

const fan = async ([receivers, deaf, inFlight, warmup, seconds]: ReadonlyArray<number>): Promise<void> => {
  for (let index = 0; index < deaf!; index++) (await enter(receivers! + 1 + index)).pause()
  const sockets: Array<Net.Socket> = []
  for (let index = 0; index <= receivers!; index++) sockets.push((await enter(index)).pause())
  let measurement: Measurement | undefined
  let errors = 0
  // What was told while all came in is read before the first line of the sender: the measurement begins with that.
  const begin = () =>
    new Measurement(warmup!, seconds!, () => {
      measurement!.errors = errors
      measurement!.print()
      process.exit()
    })
  let sent = 0
  const speak = (socket: Net.Socket, count: number) => {
    const line = () => `#${sent++} ${performance.now().toFixed(3)} `.padEnd(lineLength - 1, "x")
    socket.write(Array.from({ length: count }, () => `${line()}\n`).join(""))
  }
  for (const [index, socket] of sockets.entries()) {
    const isSender = index === receivers
    let rest = ""
    let next = 0
    socket.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString("latin1")).split("\n")
      rest = lines.pop()!
      let back = 0
      for (const line of lines) {
        const [, number, at] = /> #(\d+) ([\d.]+) x*$/.exec(line) ?? []
        if (number === undefined) continue
        if (Number(number) !== next++) errors++
        back++
        if (!isSender) measurement?.count(Number(at))
      }
      if (!isSender || back === 0) return
      measurement ??= begin()
      speak(socket, back)
    })
    socket.on("end", () => errors++)
  }
  speak(sockets[receivers!]!, inFlight!)
}

const idle = async (clients: number): Promise<void> => {
  const measurement = new Measurement(0, 60, () => process.exit(1))
  for (let index = 0; index < clients; index++) await expect(dial(), "/ping in\n", "pong in\n")
  measurement.print()
  process.stdin.resume().on("end", () => process.exit())
}

if (mode === "fan") await fan(numbers.map(Number))
else await idle(Number(numbers[0]))
