import type { Range } from "../segment.ts"

/** What was sent in one segment and is not yet acknowledged. */
export interface Sent {
  start: number
  readonly end: number
  sentAt: number
  /** Counts transmissions, so that two of the same moment are told apart. */
  order: number
  retransmitted: boolean
  /** The peer has it, behind a gap. */
  sacked: boolean
  lost: boolean
}

const nothingLost = { lost: undefined, again: Infinity }

/**
 * The segments that are in flight, and which of them are lost.
 *
 * One is lost when another that was sent later has arrived, and time enough has passed that they cannot just have been
 * reordered (RACK, RFC 8985).
 */
export class UnderWay {
  #list: Array<Sent> = []
  #head = 0
  #transmissions = 0
  #sacked = 0
  #retransmitted = 0
  #lost = 0
  /** Bytes that the network may still hold. */
  bytes = 0
  // The latest transmission that is known to have arrived.
  #newestOrder = 0
  #newestRoundTrip = 0
  /** The shortest round trip that was measured: what comes sooner answers an earlier transmission. */
  leastRoundTrip = 0

  get isEmpty(): boolean {
    return this.#head === this.#list.length
  }

  get hasLost(): boolean {
    return this.#lost > 0
  }

  get first(): Sent | undefined {
    return this.#list[this.#head]
  }

  sent(start: number, end: number, now: number): void {
    this.#list.push({
      start,
      end,
      sentAt: now,
      order: ++this.#transmissions,
      retransmitted: false,
      sacked: false,
      lost: false
    })
    this.bytes += end - start
  }

  /** The first lost one. */
  get nextLost(): Sent | undefined {
    if (this.#lost === 0) return undefined
    for (let index = this.#head; index < this.#list.length; index++) {
      if (this.#list[index]!.lost) return this.#list[index]!
    }
    return undefined
  }

  /** A lost one is sent again: all of it, or up to `end`, and the rest stays lost. */
  resent(sent: Sent, end: number, now: number): void {
    let again = sent
    if (end < sent.end) {
      const index = this.#list.indexOf(sent, this.#head)
      again = { ...sent, end }
      this.#list.splice(index, 0, again)
      sent.start = end
      if (sent.retransmitted) this.#retransmitted++
    } else {
      this.#lost--
    }
    if (!again.retransmitted) this.#retransmitted++
    again.lost = false
    again.retransmitted = true
    again.sentAt = now
    again.order = ++this.#transmissions
    this.bytes += again.end - again.start
  }

  /** Takes away what is acknowledged. Gives the round trip that it took, unless that is in doubt (Karn's algorithm). */
  acknowledge(until: number, now: number): number | undefined {
    let roundTrip: number | undefined
    while (this.#head < this.#list.length) {
      const sent = this.#list[this.#head]!
      if (sent.end > until) {
        if (sent.start < until) {
          if (!sent.lost && !sent.sacked) this.bytes -= until - sent.start
          sent.start = until
        }
        break
      }
      if (!sent.sacked) this.#arrived(sent, now)
      if (!sent.lost && !sent.sacked) this.bytes -= sent.end - sent.start
      if (sent.lost) this.#lost--
      if (sent.sacked) this.#sacked--
      if (sent.retransmitted) this.#retransmitted--
      else if (!sent.sacked) roundTrip = now - sent.sentAt
      this.#list[this.#head++] = undefined as never
    }
    if (this.#head === this.#list.length) {
      // Unlike a length of 0, this keeps the memory of a short array.
      for (; this.#head > 0; this.#head--) this.#list.pop()
    } else if (this.#head > 64 && this.#head > this.#list.length / 2) {
      this.#list = this.#list.slice(this.#head)
      this.#head = 0
    }
    return roundTrip
  }

  /** Marks what the peer has behind a gap. */
  mark(ranges: ReadonlyArray<Range>, now: number): void {
    for (const [start, end] of ranges) {
      for (let index = this.#head; index < this.#list.length; index++) {
        const sent = this.#list[index]!
        if (sent.start >= end) break
        if (sent.sacked || sent.start < start || sent.end > end) continue
        this.#arrived(sent, now)
        if (sent.lost) this.#lost--
        else this.bytes -= sent.end - sent.start
        sent.lost = false
        sent.sacked = true
        this.#sacked++
      }
    }
  }

  #arrived(sent: Sent, now: number): void {
    if (sent.order <= this.#newestOrder || (sent.retransmitted && now - sent.sentAt < this.leastRoundTrip)) return
    this.#newestOrder = sent.order
    this.#newestRoundTrip = now - sent.sentAt
  }

  /**
   * Finds out which are lost. Gives the first of them that was not known to be, and when to look again because more may
   * turn out to be.
   */
  detect(now: number, reordering: number): { readonly lost: Sent | undefined; readonly again: number } {
    if (this.#sacked === 0 && this.#retransmitted === 0) return nothingLost
    let lost: Sent | undefined
    let again = Infinity
    for (let index = this.#head; index < this.#list.length; index++) {
      const sent = this.#list[index]!
      if (sent.sacked || sent.lost || sent.order >= this.#newestOrder) continue
      const due = sent.sentAt + this.#newestRoundTrip + reordering
      if (due > now) {
        again = Math.min(again, due)
      } else {
        lost ??= sent
        this.#lose(sent)
      }
    }
    return { lost, again }
  }

  /** Nothing has been heard for too long: all that is in flight is lost. */
  loseAll(): void {
    for (let index = this.#head; index < this.#list.length; index++) {
      const sent = this.#list[index]!
      if (!sent.sacked && !sent.lost) this.#lose(sent)
    }
  }

  #lose(sent: Sent): void {
    sent.lost = true
    this.#lost++
    this.bytes -= sent.end - sent.start
  }
}
