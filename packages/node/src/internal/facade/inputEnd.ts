import type * as Net from "node:net"
import type { TLSSocket } from "node:tls"

interface Handle {
  readonly writeQueueSize?: number
  readonly reading?: boolean
  readonly readStart?: () => number
}

const handleOf = (socket: Net.Socket): Handle | undefined => (socket as { _handle?: Handle })._handle ?? undefined

/**
 * How the input of a socket over TLS ends: with the peer's `close_notify`, or with a FIN that came without one.
 *
 * Node reports both alike. What tells them apart is the TCP socket below at that very moment: libuv has stopped to read
 * it if it gave a FIN, and else goes on. Here is the one place that looks at that, which is Node's own; where it is not
 * found, a truncated stream is an end.
 */
export class InputEnd {
  /** Whether a FIN came without `close_notify`. */
  isTruncated = false
  /**
   * Whether records are left unsent by then. Where the system refused to take what OpenSSL itself wanted to write, such as
   * the tickets of a session, because the peer had reset the connection, Node tells of that in no other way.
   */
  isUnsent = false
  /** Called as soon as the input ends, whether it is read or not. */
  onEnd: () => void = () => {}

  constructor(socket: TLSSocket, raw: Net.Socket) {
    const push = socket.push
    const look = () => {
      this.isTruncated = hasStopped(socket, raw)
      this.isUnsent = (handleOf(socket)?.writeQueueSize ?? 0) > 0
      this.onEnd()
    }
    socket.push = function(chunk, encoding) {
      if (chunk === null) look()
      return push.call(this, chunk, encoding)
    }
  }
}

const hasStopped = (socket: TLSSocket, raw: Net.Socket): boolean => {
  // While reading is paused no FIN is seen.
  if (handleOf(socket)?.reading === false) return false
  // 0: it had stopped, and begins again; what it finds there is the FIN once more, which nobody hears.
  return handleOf(raw)?.readStart?.() === 0
}
