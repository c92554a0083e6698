import * as Effect from "effect/Effect"
import type * as Net from "node:net"
import { builtins } from "./builtins.ts"
import { handleOf } from "./socketHandle.ts"

// The tables list all sockets of the machine, so one reading is shared by all who ask within this time.
const freshMillis = 100

interface Tables {
  readonly at: number
  readonly text: Promise<string>
}

let tables: Tables | undefined

const readTables = (): Promise<string> => {
  const now = performance.now()
  if (tables === undefined || now - tables.at > freshMillis) {
    const text = Promise.all(
      ["tcp", "tcp6"].map((name) => builtins.fs.promises.readFile(`/proc/self/net/${name}`, "latin1").catch(() => ""))
    )
    tables = { at: now, text: text.then((both) => both.join("\n")) }
  }
  return tables.text
}

/**
 * How many bytes of a TCP socket are in its send buffer: written, and not acknowledged by the peer. Linux tells in
 * `tx_queue` of /proc/net/tcp (proc(5)), where the socket is found by its inode; elsewhere it is `undefined`.
 */
export const unacknowledged = (socket: Net.Socket): Effect.Effect<number | undefined> =>
  process.platform === "linux"
    ? Effect.promise(() => queued(socket).catch(() => undefined))
    : Effect.succeed(undefined)

const queued = async (socket: Net.Socket): Promise<number | undefined> => {
  const descriptor = handleOf(socket)?.fd ?? -1
  if (descriptor < 0) return undefined
  const inode = /^socket:\[(\d+)\]$/.exec(await builtins.fs.promises.readlink(`/proc/self/fd/${descriptor}`))?.[1]
  return inode === undefined ? undefined : queuedIn(await readTables(), inode)
}

// A line is `sl local remote st tx_queue:rx_queue tr:when retrnsmt uid timeout inode …`.
const queuedIn = (text: string, inode: string): number | undefined => {
  for (let at = text.indexOf(` ${inode} `); at !== -1; at = text.indexOf(` ${inode} `, at + 1)) {
    const fields = text.slice(text.lastIndexOf("\n", at) + 1, at + inode.length + 1).trim().split(/ +/)
    if (fields.length === 10) return Number.parseInt(fields[4]!, 16)
  }
  return undefined
}
