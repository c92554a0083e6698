import type * as Http from "node:http"
import type * as Http2 from "node:http2"
import type * as Net from "node:net"

/** A server of node:http or node:http2 without a socket of its own. */
export type NodeServer = Http.Server | Http2.Http2Server

/** The requests in flight of a server, so that draining closes each connection as soon as it has none. */
export class Requests {
  // By HTTP/1 connection, until it is upgraded. A Set of all responses would keep most of them until the whole heap is
  // collected, because its old tables keep what was in them, and one another.
  readonly #inFlight = new Map<Net.Socket, Array<Http.ServerResponse>>()
  // HTTP/2 has sessions, which count their streams themselves.
  readonly #sessions = new Set<Http2.Http2Session>()
  #draining = false

  constructor(server: NodeServer) {
    if (isHttp1(server)) this.#watchConnections(server)
    else this.#watchSessions(server)
  }

  #watchConnections(server: Http.Server): void {
    server.on("connection", (socket: Net.Socket) => {
      if (this.#draining) return socket.destroySoon()
      this.#inFlight.set(socket, [])
      socket.once("close", () => this.#inFlight.delete(socket))
    })
    server.on("request", ({ socket }, response) => {
      const responses = this.#inFlight.get(socket)
      responses?.push(response)
      if (this.#draining) response.setHeader("connection", "close")
      response.once("close", () => {
        responses?.splice(responses.indexOf(response), 1)
        if (this.#draining && this.#inFlight.get(socket)?.length === 0) socket.destroySoon()
      })
    })
    server.on("upgrade", ({ socket }) => void this.#inFlight.delete(socket))
  }

  #watchSessions(server: Http2.Http2Server): void {
    // A session begins while its connection is emitted. Its own socket has no addresses unless it is one of Node's.
    const sockets = new WeakMap<Http2.Http2Session, Net.Socket>()
    let emitted: Net.Socket | undefined
    server.prependListener("connection", (socket: Net.Socket) => {
      emitted = socket
    })
    server.on("session", (session) => {
      if (this.#draining) return session.close()
      if (emitted !== undefined) sockets.set(session, emitted)
      this.#sessions.add(session)
      session.once("close", () => this.#sessions.delete(session))
    })
    server.on("request", (request) => {
      const { session } = request.stream
      const socket = session && sockets.get(session)
      if (socket !== undefined) Object.defineProperty(request, "socket", { value: socket, configurable: true })
    })
  }

  /** Closes idle connections now, and the others after their responses. */
  drain(): void {
    this.#draining = true
    for (const [socket, responses] of this.#inFlight) {
      if (responses.length === 0) socket.destroySoon()
      for (const response of responses) if (!response.headersSent) response.setHeader("connection", "close")
    }
    for (const session of this.#sessions) session.close()
  }
}

const isHttp1 = (server: NodeServer): server is Http.Server => "closeIdleConnections" in server
