/**
 * What the user said, sent one after the other, and not faster than the server allows: the next is sent when the last has
 * come back. So it is known after a lost connection what was said and what was not.
 *
 * @import { Line, Outgoing } from "./types.d.ts"
 */

/** What the server leaves out of a line. */
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

  /** The milliseconds until one more line may be sent; 0 takes its turn. */
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
    // The answer to a command ends where this one begins.
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
     * What this line is the answer to, if it is one.
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
      const [, wait] = /^too fast, .* wait (\d+) ms$/.exec(line.text) ?? []
      if (wait === undefined) {
        onRefused(first, line.text)
        done()
      } else {
        isSent = false
        timer = setTimeout(pump, Number(wait) + 50)
      }
      return first
    },

    /** The connection is lost. What was sent may have been said. */
    pause: () => {
      isReady = false
      clearTimeout(timer)
    },

    /** The server has told what was said meanwhile. What it has not told of is sent again. */
    resume: () => {
      isReady = true
      const first = waiting[0]
      // Private messages are not kept, so nobody knows; and commands are not repeated.
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
