/**
 * Lines of the user, sent one at a time and no faster than the server allows: the next line is sent when the last one has come
 * back. So after a lost connection, the page knows which lines arrived.
 *
 * @import { Line, Outgoing } from "./types.d.ts"
 */

/** Characters that the server removes. */
const unsafe = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]/gu

/** @param {string} text */
export const clean = (text) => text.replaceAll("\t", " ").replace(unsafe, "").trimEnd()

/**
 * @param {(line: string) => void} send
 * @param {(outgoing: Outgoing, why: string) => void} onRefused
 * @param {() => void} onChange
 */
export const makeOutbox = (send, onRefused, onChange) => {
  /** @type {Array<Outgoing>} */
  let waiting = []
  let isReady = false
  let isSent = false
  let rate = { burst: 5, refill: 500 }
  let full = 0
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer

  /** Milliseconds until another line may be sent. If 0, the turn is taken. */
  const take = () => {
    const now = performance.now()
    const next = Math.max(full, now) + rate.refill
    const wait = next - rate.burst * rate.refill - now
    if (wait <= 0) full = next
    return Math.max(0, wait)
  }

  const pump = () => {
    clearTimeout(timer)
    const first = waiting[0]
    if (!isReady || isSent || first === undefined) return
    const wait = take()
    if (wait > 0) {
      timer = setTimeout(pump, wait)
      return
    }
    isSent = true
    send(first.line)
    // The pong marks the end of the answer to a command.
    if (first.kind === "command") send("/ping answered")
  }

  const done = () => {
    waiting = waiting.slice(1)
    isSent = false
    onChange()
    pump()
  }

  return {
    /** @param {Outgoing} outgoing */
    add: (outgoing) => {
      if (waiting.length >= 100) return onRefused(outgoing, "too many lines wait to be sent")
      waiting = [...waiting, outgoing]
      onChange()
      pump()
    },

    /**
     * The outgoing line that a line of the server answers, if any.
     *
     * @param {Line} line
     * @param {string} me
     * @returns {Outgoing | undefined}
     */
    answer: (line, me) => {
      const first = waiting[0]
      if (line._tag === "Limits") rate = { burst: Math.max(1, Math.floor(line.burst / 2)), refill: line.refill }
      if (first === undefined || !isSent) return undefined
      const { kind, text } = first
      const isSaid = line._tag === "Past" && line.spoken.name === me && line.spoken.text === text
      const isWhole = kind === "say"
        ? isSaid
        : kind === "msg"
        ? line._tag === "Sent" && line.text === text
        : kind === "join"
        ? line._tag === "Present"
        : line._tag === "Pong" && line.token === "answered"
      if (isWhole) {
        done()
        return first
      }
      if (line._tag !== "Refusal" || kind === "command") return undefined
      if (line.wait === undefined) {
        onRefused(first, line.text)
        done()
      } else {
        isSent = false
        timer = setTimeout(pump, line.wait + 50)
      }
      return first
    },

    /** Stops sending, after the connection was lost. The line in flight may have arrived. */
    pause: () => {
      isReady = false
      clearTimeout(timer)
    },

    /** Continues, after the server has sent the missed lines. A line in flight that was not among them is sent again. */
    resume: () => {
      isReady = true
      const first = waiting[0]
      // Private messages are not kept, so whether one arrived is unknown. Commands are not repeated.
      if (isSent && first?.kind === "msg") onRefused(first, "the connection was lost: it may or may not have arrived")
      if (isSent && (first?.kind === "msg" || first?.kind === "command")) waiting = waiting.slice(1)
      isSent = false
      onChange()
      pump()
    },

    /** @returns {ReadonlyArray<Outgoing>} */
    all: () => waiting
  }
}
