import type * as Net from "node:net"

const events = [
  "connect",
  "ready",
  "data",
  "end",
  "prefinish",
  "finish",
  "error",
  "close",
  "timeout",
  "drain",
  "pause",
  "resume"
] as const

/** Records what a socket goes through: its events, and what it tells of itself at each. */
export const record = (
  socket: Net.Socket,
  log: Array<string> = [],
  without: ReadonlyArray<string> = []
): Array<string> => {
  for (const name of events) {
    if (without.includes(name)) continue
    socket.on(name, (value?: unknown) => {
      const detail = name === "data" ? `${String(value)} ` : name === "error" ? `${describe(value)} ` : ""
      log.push(`${name} ${detail}${name === "close" ? `${value} ` : ""}(${facts(socket)})`)
    })
  }
  return log
}

/** What differs between a socket and another that does the same must show here. */
export const facts = (socket: Net.Socket): string => {
  const { bytesRead, bytesWritten, connecting, destroyed, pending, readyState, timeout, writableLength } = socket
  const flags = Object.entries({
    connecting,
    destroyed,
    pending,
    readableEnded: socket.readableEnded,
    writableEnded: socket.writableEnded,
    writableFinished: socket.writableFinished
  }).flatMap(([name, is]) => is ? [name] : [])
  return [readyState, `${bytesRead} read`, `${bytesWritten} written`, `${writableLength} waiting`, timeout, ...flags]
    .join(
      ", "
    )
}

/** An error by all that Node documents of it. Ports differ from run to run. */
export const describe = (value: unknown): string => {
  if (!(value instanceof Error)) return String(value)
  const { address, code, errno, message, name, port, syscall } = value as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  const facts = JSON.stringify({
    code,
    errno,
    syscall,
    address,
    port: port === undefined ? undefined : port === 1 ? 1 : "a port"
  })
  return `${name}: ${message} ${facts}`
}

/** What a function throws. */
export const thrown = (run: () => unknown): string => {
  try {
    run()
    return "nothing thrown"
  } catch (error) {
    return `${(error as Error).name} ${(error as NodeJS.ErrnoException).code}`
  }
}
