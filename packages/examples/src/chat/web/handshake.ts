/** The opening handshake of a WebSocket (RFC 6455, 4.2), and who may open one. */
import * as Result from "effect/Result"
import { createHash } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { isIP } from "node:net"

/** Where the page opens its WebSocket. */
export const path = "/chat"

/**
 * Why a page may not open a WebSocket, if it may not. Allowed are pages from the address of this server, and those of
 * `origins`. Other names are refused, because an attacker can point a name at this address (DNS rebinding).
 */
const originProblem = (
  { headers: { host, origin } }: IncomingMessage,
  origins: ReadonlyArray<string>
): string | undefined => {
  // Only browsers send an origin.
  if (origin === undefined || origins.includes(origin)) return undefined
  const url = URL.parse(origin)
  const name = url?.hostname.replace(/^\[(.*)\]$/, "$1") ?? ""
  const isAddress = isIP(name) !== 0 || name === "localhost"
  return url !== null && isAddress && url.host === URL.parse(`${url.protocol}//${host}`)?.host
    ? undefined
    : "pages of another origin may not chat here; allow it with --web-origin"
}

const refusal = (status: string, why: string, header = "") =>
  `HTTP/1.1 ${status}\r\n${header}Connection: close\r\nContent-Type: text/plain\r\n` +
  `Content-Length: ${why.length + 1}\r\n\r\n${why}\n`

/** The response that opens a WebSocket, or the one that refuses it. */
export const respond = (
  request: IncomingMessage,
  origins: ReadonlyArray<string>
): Result.Result<string, string> => {
  const { headers, method, url } = request
  const key = headers["sec-websocket-key"] ?? ""
  if (url !== path) return Result.fail(refusal("404 Not Found", "no WebSocket at this path"))
  if (method !== "GET" || headers.upgrade?.toLowerCase() !== "websocket" || !/^[+/\dA-Za-z]{22}==$/.test(key)) {
    return Result.fail(refusal("400 Bad Request", "not a WebSocket handshake"))
  }
  if (headers["sec-websocket-version"] !== "13") {
    return Result.fail(
      refusal("426 Upgrade Required", "use version 13 of the WebSocket protocol", "Sec-WebSocket-Version: 13\r\n")
    )
  }
  const problem = originProblem(request, origins)
  if (problem !== undefined) return Result.fail(refusal("403 Forbidden", problem))
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64")
  return Result.succeed(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`
  )
}
