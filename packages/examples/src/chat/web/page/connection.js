/**
 * A WebSocket that reconnects: after a pause that grows up to 15 seconds, at once when the browser is online again, and when
 * the server is silent for too long. Browsers answer the server's pings by themselves; `ask` pings the server.
 *
 * @import { Connection, ConnectionEvents, Line } from "./types.d.ts"
 */

const quiet = 20_000
const patience = 10_000
const longestPause = 15_000

/** The close code that tells the page not to reconnect by itself. */
const finalCode = 4000

/**
 * @param {ConnectionEvents} events
 * @returns {Connection}
 */
export const connect = ({ onLine, onOpen, onState }) => {
  /** @type {WebSocket | undefined} */
  let socket
  let failures = 0
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  let heard = 0
  let farewell = ""

  /** @param {() => void} what @param {number} after */
  const later = (what, after) => {
    clearTimeout(timer)
    timer = setTimeout(what, after)
  }

  const open = () => {
    clearTimeout(timer)
    leave()
    onState({ tag: "connecting" })
    const current = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/chat`)
    socket = current
    later(lost, patience)
    current.onopen = () => {
      hear()
      onState({ tag: "open" })
      onOpen()
    }
    current.onmessage = ({ data }) => {
      hear()
      /** @type {Line} */
      const line = JSON.parse(data)
      if (line._tag === "Notice" || line._tag === "Refusal") farewell = line.text
      if (line._tag === "Called") failures = 0
      onLine(line)
    }
    current.onclose = ({ code }) => {
      if (code !== finalCode) return lost()
      clearTimeout(timer)
      socket = undefined
      onState({ tag: "ended", why: farewell })
    }
  }

  const hear = () => {
    heard = Date.now()
    later(ask, quiet)
  }

  const ask = () => {
    socket?.send("/ping beat")
    later(lost, patience)
  }

  // Ignores later events of the connection.
  const leave = () => {
    if (socket === undefined) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
    socket = undefined
  }

  const lost = () => {
    leave()
    if (!navigator.onLine) return onState({ tag: "offline" })
    const pause = Math.min(longestPause, 500 * 2 ** failures++) * (0.5 + Math.random() / 2)
    onState({ tag: "waiting", until: Date.now() + pause })
    later(open, pause)
  }

  addEventListener("online", () => {
    if (socket === undefined) open()
  })
  addEventListener("offline", lost)
  // Timers of a page in the background are slow: the connection may be gone by now.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && socket?.readyState === WebSocket.OPEN && Date.now() - heard > quiet) ask()
  })

  open()
  return {
    send: (line) => {
      if (socket?.readyState === WebSocket.OPEN) socket.send(line)
    },
    retry: open
  }
}
