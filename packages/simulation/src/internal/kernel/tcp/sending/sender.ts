import type { Path } from "../path.ts"
import type { Receiver } from "../receiving/receiver.ts"
import { ACK, bare, FIN, none, PSH, type Segment, SYN } from "../segment.ts"
import type { Timers } from "../timers.ts"
import { Congestion } from "./congestion.ts"
import { UnderWay } from "./inFlight.ts"
import { RoundTrip } from "./roundTrip.ts"
import { SendBuffer } from "./sendBuffer.ts"

/**
 * The sending half of a connection: what was written, what of it is in flight, and how much more may be. SYN has the
 * number 0, the first byte 1. Every segment also carries what the receiving half has to tell.
 */
export class Sender {
  readonly #path: Path
  readonly #receiver: Receiver
  readonly #timers: Timers
  readonly #noDelay: boolean
  /** The initial sequence number. */
  readonly base: number
  readonly #buffer: SendBuffer
  readonly #underWay = new UnderWay()
  readonly #roundTrip: RoundTrip
  readonly #congestion: Congestion
  // The first that is not acknowledged, and the next to send.
  #first = 0
  #next = 0
  #peerWindow = 0
  #windowSequence = 0
  #windowAcknowledgment = 0
  #finishing = false
  #finSequence = Infinity
  /** When the peer last acknowledged something new, or nothing was in flight. */
  progressAt = 0

  constructor(path: Path, receiver: Receiver, timers: Timers, noDelay: boolean) {
    const settings = path.settings
    this.#path = path
    this.#receiver = receiver
    this.#timers = timers
    this.#noDelay = noDelay
    this.base = path.stack.initialSequence()
    this.#buffer = new SendBuffer(settings.sendBuffer)
    this.#roundTrip = new RoundTrip(settings)
    this.#congestion = new Congestion(path.largestSegment)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What was written
  // -------------------------------------------------------------------------------------------------------------------

  get room(): number {
    return this.#buffer.room
  }

  /** Bytes that were written and are not acknowledged. */
  get unacknowledged(): number {
    return this.#buffer.end - this.#buffer.start
  }

  get hasOutput(): boolean {
    return this.#buffer.end > this.#first
  }

  /** Takes a copy of as much as there is room for; answers how much. */
  write(chunk: Uint8Array): number {
    return this.#buffer.append(chunk)
  }

  /** FIN is to follow what was written. Answers whether that is new. */
  finish(): boolean {
    if (this.#finishing) return false
    return this.#finishing = true
  }

  get hasSentFin(): boolean {
    return this.#finSequence !== Infinity
  }

  get isFinAcknowledged(): boolean {
    return this.#first > this.#finSequence
  }

  get unsentBytes(): number {
    return this.#buffer.end - this.#next
  }

  get isUnderWay(): boolean {
    return !this.#underWay.isEmpty
  }

  get unacknowledgedBytes(): number {
    return this.#next - this.#first
  }

  discard(): void {
    this.#buffer.release(this.#buffer.end)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What the peer says
  // -------------------------------------------------------------------------------------------------------------------

  /** Takes the peer's SYN. */
  meet(syn: Segment): void {
    this.#peerWindow = syn.window
    this.#windowSequence = syn.sequence
    this.#congestion.window = 10 * this.#path.segmentSize
  }

  /** Whether this connection has sent what is acknowledged. */
  hasSent(acknowledgment: number): boolean {
    return acknowledgment <= this.#next
  }

  /** Everything before this has arrived. Answers whether that is new. */
  acknowledged(until: number): boolean {
    if (until <= this.#first) return false
    const { now } = this.#path
    const underWay = this.#underWay
    const bytes = until - this.#first
    const isFull = underWay.bytes * 2 >= this.#congestion.window
    this.#first = until
    this.#buffer.release(until)
    const roundTrip = underWay.acknowledge(until, now)
    if (roundTrip === undefined) this.#roundTrip.recover()
    else this.#roundTrip.measure(roundTrip)
    underWay.leastRoundTrip = this.#roundTrip.least
    this.#congestion.acknowledged(bytes, until, this.#path.segmentSize, isFull)
    this.progressAt = now
    this.#timers.retransmitAt = underWay.isEmpty ? Infinity : now + this.#roundTrip.timeout
    return true
  }

  /** Takes the window and the selective acknowledgments of a segment. */
  update(segment: Segment): void {
    const { now } = this.#path
    const { acknowledgment, sequence } = segment
    if (
      sequence > this.#windowSequence ||
      (sequence === this.#windowSequence && acknowledgment >= this.#windowAcknowledgment)
    ) {
      this.#windowSequence = sequence
      this.#windowAcknowledgment = acknowledgment
      this.#peerWindow = segment.window
      this.#timers.persistAt = Infinity
      if (this.#underWay.isEmpty) this.progressAt = now
    }
    if (segment.sack.length > 0) this.#underWay.mark(segment.sack, now)
    this.detectLoss()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What is lost
  // -------------------------------------------------------------------------------------------------------------------

  detectLoss(): void {
    const { least } = this.#roundTrip
    const before = this.#underWay.bytes
    const { again, lost } = this.#underWay.detect(this.#path.now, least === Infinity ? 0 : least / 4)
    this.#timers.reorderAt = Math.ceil(again)
    if (lost !== undefined) this.#congestion.lost(before, this.#next, lost.start, this.#path.segmentSize)
  }

  /** The retransmission timer has run out: all is lost, and `transmit` sends it again. */
  timedOut(): void {
    this.#congestion.timedOut(this.#underWay.bytes, this.#next, this.#path.segmentSize)
    this.#underWay.loseAll()
    this.#roundTrip.backOff()
  }

  restartRetransmission(): void {
    this.#timers.retransmitAt = this.#path.now + this.#roundTrip.timeout
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What is sent
  // -------------------------------------------------------------------------------------------------------------------

  sendSyn(flags: number): void {
    const { now } = this.#path
    this.#send(flags, 0, none)
    this.#next = 1
    this.#underWay.sent(0, 1, now)
    this.progressAt = now
    this.restartRetransmission()
    this.#timers.schedule()
  }

  repeatSyn(flags: number): void {
    this.#send(flags, 0, none, true)
  }

  /** The retransmission timer has run out, and there is nothing but SYN to send again. */
  retransmitSyn(flags: number, backsOff: boolean): void {
    const syn = this.#underWay.first!
    if (backsOff) this.#roundTrip.backOff()
    this.#underWay.loseAll()
    this.#underWay.resent(syn, syn.end, this.#path.now)
    this.repeatSyn(flags)
  }

  /** Sends a segment with neither payload nor an effect on what is in flight. */
  sendBare(flags: number): void {
    this.#send(flags, this.#next, none)
  }

  /** Sends what the peer already has, so that it answers. */
  probe(): void {
    this.#send(ACK, this.#next - 1, none)
  }

  probeWindow(): void {
    this.probe()
    this.#roundTrip.backOff()
    this.#timers.persistAt = this.#path.now + this.#roundTrip.timeout
  }

  /** Sends what is lost again, then what was not yet sent: as much as both windows allow. */
  transmit(): void {
    const underWay = this.#underWay
    while (underWay.hasLost && (underWay.bytes < this.#congestion.window || underWay.bytes === 0)) this.#retransmit()
    if (this.hasSentFin) return
    while (this.#sendNext()) { /* and the next one */ }
  }

  #retransmit(): void {
    const sent = this.#underWay.nextLost!
    const end = Math.min(sent.end, sent.start + this.#path.segmentSize)
    const { start } = sent
    this.#underWay.resent(sent, end, this.#path.now)
    this.#sendRange(start, end, true)
    this.restartRetransmission()
  }

  // Sends one more segment of what was written, if it may be sent now.
  #sendNext(): boolean {
    const underWay = this.#underWay
    const next = this.#next
    const waiting = this.#buffer.end - next
    if (waiting === 0 && !this.#finishing) return false
    const { segmentSize } = this.#path
    const window = Math.min(
      this.#first + this.#peerWindow - next,
      Math.max(this.#congestion.window, segmentSize) - underWay.bytes
    )
    let size = Math.min(waiting, segmentSize, Math.max(0, window))
    if (waiting > 0 && size < Math.min(waiting, segmentSize)) {
      // The window has little room: wait until it has more, unless nothing is in flight that would tell us of it.
      if (!underWay.isEmpty || size === 0) {
        if (underWay.isEmpty) this.#persist()
        return false
      }
    }
    if (size > 0 && size < segmentSize && !this.#noDelay && !underWay.isEmpty && !this.#finishing) return false
    if (size > 1 && this.#path.divides()) size = this.#path.part(size)
    const isLast = this.#finishing && size === waiting
    const end = next + size + (isLast ? 1 : 0)
    const { now } = this.#path
    if (underWay.isEmpty) this.progressAt = now
    underWay.sent(next, end, now)
    this.#next = end
    if (isLast) this.#finSequence = next + size
    this.#sendRange(next, end, false)
    if (this.#timers.retransmitAt === Infinity) this.restartRetransmission()
    this.#timers.persistAt = Infinity
    return !isLast
  }

  #persist(): void {
    if (this.#timers.persistAt === Infinity) this.#timers.persistAt = this.#path.now + this.#roundTrip.timeout
  }

  #sendRange(start: number, end: number, retransmission: boolean): void {
    const dataEnd = Math.min(end, this.#buffer.end)
    const payload = start < dataEnd ? this.#buffer.bytes(start, dataEnd) : none
    const fin = end > this.#finSequence ? FIN : 0
    const push = payload.length > 0 && dataEnd === this.#buffer.end ? PSH : 0
    this.#send(ACK | fin | push, start, payload, retransmission)
  }

  #send(flags: number, sequence: number, payload: Uint8Array, retransmission = false): void {
    const receiver = this.#receiver
    this.#path.emit({
      flags,
      sequence,
      sequenceBase: this.base,
      acknowledgment: flags & ACK ? receiver.next : 0,
      acknowledgmentBase: receiver.peerBase,
      window: receiver.announce(flags),
      payload,
      sack: flags & ACK ? receiver.ranges : bare.sack,
      maximumSegmentSize: flags & SYN ? Math.min(65535, this.#path.largestSegment) : undefined,
      retransmission
    })
    if (flags & ACK) {
      this.#timers.acknowledgeAt = Infinity
      receiver.acknowledged()
    }
  }
}
