// Publishing through mosquitto and the program `mqtt server`: processor time for each message that arrives.
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { connect } from "node:net"
import { resolve } from "node:path"
import { Child } from "../../../../node/bench/child.ts"
import { cores } from "../../../../node/bench/cores.ts"
import { freePort } from "../dns/servers.ts"
import { type Contestant, type Measured, section } from "../section.ts"
import { load } from "./clients.ts"

interface MqttBroker extends Contestant {
  readonly port: number
  readonly pid: number
}

/** Microseconds that the threads of a process have run (proc(5)). */
const cpuOf = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "latin1").split(" ")[0]) / 1000)
    .reduce((sum, each) => sum + each, 0)

const row = (subscribers: number, qos: 0 | 1): Measured<MqttBroker> => ({
  name: `${subscribers} subscriber${subscribers === 1 ? "" : "s"}, QoS ${qos}`,
  unit: "µs",
  better: "less",
  measure: async ({ pid, port }, { seconds }) => {
    const before = cpuOf(pid)
    const count = await load(port, subscribers, qos, seconds)
    return (cpuOf(pid) - before) / count
  }
})

const started = async (name: string, child: Child, port: number): Promise<MqttBroker> => {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, "127.0.0.1")
    const isThere = await once(socket, "connect").then(() => true, () => false)
    socket.destroy()
    if (isThere) return { name, port, pid: child.process.pid!, stop: () => child.end() }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`${name} does not listen on port ${port}`)
}

export const mqttServer = section<MqttBroker>({
  title: "mqtt server, messages of 16 B, processor time for each that arrives",
  rows: [row(1, 0), row(1, 1), row(50, 0), row(50, 1)],
  start: async () => {
    if (process.platform !== "linux" || spawnSync("mosquitto", ["-h"]).error !== undefined) {
      return { missing: "Linux and mosquitto" }
    }
    const main = resolve(import.meta.dirname, "../../../src/main.ts")
    const broker = async (name: string, command: (port: number) => ReadonlyArray<string>) => {
      const port = await freePort()
      return started(name, new Child(cores?.server, command(port)), port)
    }
    return [
      // It logs every connection, and has no flag against that.
      await broker("mosquitto", (port) => ["sh", "-c", `exec mosquitto -p ${port} 2> /dev/null`]),
      await broker("Sluice", (port) => [process.execPath, main, "mqtt", "server", "--port", `${port}`])
    ]
  }
})
