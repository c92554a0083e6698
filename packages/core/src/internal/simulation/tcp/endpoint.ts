import type * as Trace from "../../../simulation/Trace.ts"
import type { Event } from "../eventQueue.ts"
import type { HostState } from "../host.ts"
import type { LinkState } from "../link.ts"
import { ipHeader } from "../packet.ts"
import { isUnix } from "../socketAddress.ts"
import { Congestion } from "./congestion.ts"
import { ReceiveBuffer } from "./receiveBuffer.ts"
import { RoundTrip } from "./roundTrip.ts"
import { ACK, bare, type Contents, FIN, none, PSH, RST, Segment, SYN } from "./segment.ts"
import { SendBuffer } from "./sendBuffer.ts"
import * as Settings from "./settings.ts"
import { UnderWay } from "./underWay.ts"

/** The states of RFC 9293, section 3.3.2, but for LISTEN, in which there is no connection yet. */
export type State =
  | "SYN_SENT"
  | "SYN_RECEIVED"
  | "ESTABLISHED"
  | "FIN_WAIT_1"
  | "FIN_WAIT_2"
  | "CLOSING"
  | "TIME_WAIT"
  | "CLOSE_WAIT"
  | "LAST_ACK"
  | "CLOSED"

/** Why a connection broke, by the system's names (errno(3)). */
export type Breakage = "ECONNREFUSED" | "ECONNRESET" | "EPIPE" | "ETIMEDOUT" | "ENETDOWN"

/** Who uses an endpoint. Called while the network is busy: it must not run the program, but see to it that it runs. */
export interface Application {
  readonly onEstablished: () => void
  /** There is something to read, or the end. */
  readonly onReadable: () => void
  /** There is room to write. */
  readonly onWritable: () => void
  /** The endpoint is CLOSED, and not because the application closed it. */
  readonly onBroken: (breakage: Breakage) => void
}

export interface Options {
  readonly local: Trace.Socket
  readonly remote: Trace.Socket
  readonly noDelay: boolean
  /** Milliseconds. */
  readonly keepAlive: number | undefined
}

export const keyOf = (local: Trace.Socket, remote: Trace.Socket): string =>
  `${local.address} ${local.port} ${remote.address} ${remote.port}`

const largestRead = 64 * 1024

/**
 * One end of a TCP connection (RFC 9293), with selective acknowledgments (RFC 2018), loss detection by time (RFC 8985),
 * the retransmission timer of RFC 6298 and the congestion control of RFC 5681.
 */
export class Endpoint {
  readonly host: HostState
  readonly local: Trace.Socket
  readonly remote: Trace.Socket
  readonly key: string
  readonly #peerKey: string
  readonly #noDelay: boolean
  readonly #keepAlive: number
  state: State = "CLOSED"
  #way: LinkState | undefined = undefined
  #application: Application | undefined

  // Sending. SYN has the number 0, the first byte 1.
  readonly #base: number
  readonly #output: SendBuffer
  readonly #underWay = new UnderWay()
  readonly #roundTrip: RoundTrip
  readonly #congestion: Congestion
  #first = 0
  #next = 0
  #peerWindow = 0
  #windowSequence = 0
  #windowAcknowledgment = 0
  #peerSegmentSize: number
  #finishing = false
  #finSequence = Infinity
  #flushing = false
  #progressAt = 0
  #synRetries = 0

  // Receiving.
  #peerBase = 0
  readonly #input: ReceiveBuffer
  #announcedEdge = 0
  #peerFin = Infinity
  #unacknowledged = 0
  #acknowledging = false
  #heardAt = 0
  #probes = 0

  // When which timer runs out.
  #timer: Event | undefined = undefined
  #retransmitAt = Infinity
  #acknowledgeAt = Infinity
  #reorderAt = Infinity
  #persistAt = Infinity
  #keepAliveAt = Infinity
  #expireAt = Infinity

  constructor(host: HostState, options: Options, application: Application) {
    const settings = host.world.tcp
    this.host = host
    this.local = options.local
    this.remote = options.remote
    this.key = keyOf(options.local, options.remote)
    this.#peerKey = keyOf(options.remote, options.local)
    this.#noDelay = options.noDelay
    this.#keepAlive = options.keepAlive === undefined ? Infinity : options.keepAlive * 1000
    this.#application = application
    this.#base = host.initialSequence()
    this.#output = new SendBuffer(settings.sendBuffer)
    this.#input = new ReceiveBuffer(settings.receiveBuffer)
    this.#roundTrip = new RoundTrip(settings)
    this.#peerSegmentSize = 536
    this.#congestion = new Congestion(this.#largestSegment)
  }

  // Once there is a way, it stays.
  get #link(): LinkState | undefined {
    return this.#way ??= this.host.linkTo(this.remote.address)
  }

  get #headers(): number {
    return ipHeader(this.local.address) + 20
  }

  get #largestSegment(): number {
    return Math.max(1, (this.#link?.settings.mtu ?? 1500) - this.#headers)
  }

  get #segmentSize(): number {
    return Math.min(this.#peerSegmentSize, this.#largestSegment)
  }

  get #now(): number {
    return this.host.world.engine.now
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What the application does
  // -------------------------------------------------------------------------------------------------------------------

  /** Sends SYN. */
  connect(): void {
    this.state = "SYN_SENT"
    this.host.tcp.add(this)
    this.#sendSyn(false)
  }

  /** Answers SYN. */
  accept(syn: Segment): void {
    this.state = "SYN_RECEIVED"
    this.#meet(syn)
    this.host.tcp.add(this)
    this.#sendSyn(false)
  }

  get room(): number {
    return this.#output.room
  }

  get hasOutput(): boolean {
    return this.#output.end > this.#first
  }

  /** Takes a copy of as much as there is room for; answers how much. `flush` sends it. */
  write(chunk: Uint8Array): number {
    return this.#output.append(chunk)
  }

  /** Sends what was written: at once, or now and then a little later, together with what may follow. */
  flush(): void {
    const link = this.#link
    if (link !== undefined && !this.#flushing && link.segmentation.chance(link.settings.segmentation)) {
      this.#flushing = true
      this.host.world.engine.submit(() => {
        this.#flushing = false
        this.#transmit()
      })
    } else if (!this.#flushing) {
      this.#transmit()
    }
  }

  /** Sends FIN after all that was written. */
  finish(): void {
    if (this.#finishing || this.state === "CLOSED") return
    this.#finishing = true
    this.#transmit()
  }

  get readableBytes(): number {
    return this.#input.readableBytes
  }

  /** Whether everything that the peer sent has been read, and its FIN has come. */
  get isAtEnd(): boolean {
    return this.#input.readableBytes === 0 && this.#input.next > this.#peerFin
  }

  get hasPeerFinished(): boolean {
    return this.#input.next > this.#peerFin
  }

  /** What has come, as a read of 64 KiB gives it: all of it if it fits, or less by chance. */
  read(): Uint8Array | undefined {
    const input = this.#input
    if (input.readableBytes === 0) return undefined
    const link = this.#link
    let most = largestRead
    if (link !== undefined && link.segmentation.chance(link.settings.segmentation)) {
      most = 1 + link.segmentation.below(input.firstLength)
    }
    return input.take(most)
  }

  /**
   * The application has closed its descriptor. What it wrote is still sent, and FIN behind it, unless something is left
   * unread: then the peer gets a reset, so that it does not take what it sent for received (RFC 2525, section 2.17).
   */
  close(): void {
    this.#application = undefined
    if (this.state === "SYN_SENT") return this.#end()
    if (this.#input.readableBytes > 0) return this.abort()
    this.finish()
    if (this.state === "FIN_WAIT_2") this.#expireAt = this.#now + Settings.lingering
    this.#setTimer()
  }

  /** Sends RST and forgets the connection. */
  abort(): void {
    this.#application = undefined
    const { state } = this
    if (state !== "CLOSED" && state !== "SYN_SENT" && state !== "TIME_WAIT") this.#send(RST | ACK, this.#next, none)
    this.#end()
  }

  /** The host is gone: nothing is sent any more. */
  vanish(): void {
    this.#break("ENETDOWN")
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Receiving
  // -------------------------------------------------------------------------------------------------------------------

  receive(segment: Segment): void {
    this.#heardAt = this.#now
    this.#probes = 0
    if (this.state === "SYN_SENT") return this.#receiveAnswer(segment)
    const { flags } = segment
    if (segment.sequenceBase !== this.#peerBase) {
      // Of a connection that had these addresses before, or of one that will have them.
      if (flags & SYN && this.state === "TIME_WAIT") {
        this.#end()
        this.host.tcp.receive(segment)
      } else if (flags & SYN) {
        this.#acknowledge()
      }
      return
    }
    if (flags & RST) return this.#receiveReset(segment)
    if (flags & SYN) return this.state === "SYN_RECEIVED" ? this.#sendSyn(true) : this.#acknowledge()
    if (!(flags & ACK) || segment.acknowledgmentBase !== this.#base) return
    if (segment.acknowledgment > this.#next) return this.#acknowledge()

    if (this.state === "SYN_RECEIVED") {
      if (segment.acknowledgment < 1) return
      this.#establish()
    }
    this.#receiveAcknowledgment(segment)
    if (this.isClosed) return
    if (segment.payload.length > 0 || flags & FIN) this.#receiveData(segment)
    // A probe, or something very late: the answer says where we are.
    else if (segment.sequence === this.#input.next - 1) this.#acknowledge()
    if (this.isClosed) return
    this.#transmit()
  }

  // A getter, so that the compiler does not take the state for what it was before a call.
  get isClosed(): boolean {
    return this.state === "CLOSED"
  }

  #receiveAnswer(segment: Segment): void {
    const { flags } = segment
    const answers = (flags & ACK) !== 0 && segment.acknowledgmentBase === this.#base && segment.acknowledgment === 1
    if (flags & RST) {
      if (answers) this.#break("ECONNREFUSED")
    } else if (!answers) {
      if (flags & ACK) this.#refuse(segment)
    } else if (flags & SYN) {
      this.#meet(segment)
      this.#establish()
      this.#receiveAcknowledgment(segment)
      this.#acknowledge()
      this.#transmit()
    }
  }

  // An acknowledgment of something that this connection never sent: the peer has an old one, and should forget it.
  #refuse(segment: Segment): void {
    this.#emit({
      ...bare,
      flags: RST,
      sequence: segment.acknowledgment,
      sequenceBase: segment.acknowledgmentBase
    })
  }

  #receiveReset(segment: Segment): void {
    const { next } = this.#input
    if (segment.sequence < next || segment.sequence > Math.max(next, this.#announcedEdge)) return
    if (this.state === "TIME_WAIT") return this.#end()
    this.#break(this.state === "CLOSE_WAIT" || this.state === "LAST_ACK" ? "EPIPE" : "ECONNRESET")
  }

  #meet(syn: Segment): void {
    this.#peerBase = syn.sequenceBase
    this.#input.next = 1
    this.#announcedEdge = 1
    this.#peerSegmentSize = syn.maximumSegmentSize ?? 536
    this.#peerWindow = syn.window
    this.#windowSequence = syn.sequence
    this.#congestion.window = 10 * this.#segmentSize
  }

  #establish(): void {
    this.state = "ESTABLISHED"
    this.#synRetries = 0
    if (this.#keepAlive !== Infinity) {
      this.#keepAliveAt = this.#now + this.#keepAlive
      this.#setTimer()
    }
    this.#application?.onEstablished()
  }

  #receiveAcknowledgment(segment: Segment): void {
    const now = this.#now
    const { acknowledgment } = segment
    const underWay = this.#underWay
    if (acknowledgment > this.#first) {
      const bytes = acknowledgment - this.#first
      const isFull = underWay.bytes * 2 >= this.#congestion.window
      this.#first = acknowledgment
      this.#output.release(acknowledgment)
      const roundTrip = underWay.acknowledge(acknowledgment, now)
      if (roundTrip === undefined) this.#roundTrip.recover()
      else this.#roundTrip.measure(roundTrip)
      underWay.leastRoundTrip = this.#roundTrip.least
      this.#congestion.acknowledged(bytes, acknowledgment, this.#segmentSize, isFull)
      this.#progressAt = now
      this.#retransmitAt = underWay.isEmpty ? Infinity : now + this.#roundTrip.timeout
      if (acknowledgment > this.#finSequence) this.#finAcknowledged()
      if (this.isClosed) return
      if (this.#output.room > 0) this.#application?.onWritable()
    }
    if (
      segment.sequence > this.#windowSequence ||
      (segment.sequence === this.#windowSequence && acknowledgment >= this.#windowAcknowledgment)
    ) {
      this.#windowSequence = segment.sequence
      this.#windowAcknowledgment = acknowledgment
      this.#peerWindow = segment.window
      this.#persistAt = Infinity
      if (underWay.isEmpty) this.#progressAt = now
    }
    if (segment.sack.length > 0) underWay.mark(segment.sack, now)
    this.#detectLoss()
    this.#setTimer()
  }

  #detectLoss(): void {
    const { least } = this.#roundTrip
    const before = this.#underWay.bytes
    const { again, lost } = this.#underWay.detect(this.#now, least === Infinity ? 0 : least / 4)
    this.#reorderAt = Math.ceil(again)
    if (lost !== undefined) this.#congestion.lost(before, this.#next, lost.start, this.#segmentSize)
  }

  #finAcknowledged(): void {
    if (this.state === "FIN_WAIT_1") {
      this.state = "FIN_WAIT_2"
      if (this.#application === undefined) this.#expireAt = this.#now + Settings.lingering
    } else if (this.state === "CLOSING") {
      this.#waitForStragglers()
    } else if (this.state === "LAST_ACK") {
      this.#end()
    }
  }

  #receiveData(segment: Segment): void {
    const input = this.#input
    const { payload, sequence } = segment
    if (segment.end <= input.next) return this.#acknowledge()
    // Nobody will ever read it: the peer should know.
    if (payload.length > 0 && this.#application === undefined) return this.abort()
    const fits = Math.max(0, Math.min(payload.length, this.#announcedEdge - sequence))
    if (fits < payload.length && fits === 0) return this.#acknowledge()
    const hadGaps = input.hasGaps
    const before = input.next
    if (fits > 0) input.insert(sequence, fits < payload.length ? payload.subarray(0, fits) : payload)
    if (segment.flags & FIN && fits === payload.length) this.#peerFin = sequence + payload.length

    if (input.next === this.#peerFin) {
      input.next++
      this.#receiveFin()
      this.#acknowledge()
      this.#application?.onReadable()
      return
    }
    if (input.next > before) this.#application?.onReadable()
    this.#unacknowledged += segment.payload.length
    if (hadGaps || input.hasGaps || input.next === before) {
      this.#acknowledge()
    } else if (this.#unacknowledged >= 2 * this.#segmentSize) {
      if (this.#acknowledging) return
      this.#acknowledging = true
      this.host.world.engine.submit(this.#acknowledgeWhenRead)
    } else if (this.#acknowledgeAt === Infinity) {
      this.#acknowledgeAt = this.#now + Settings.delayedAcknowledgment
      this.#setTimer()
    }
  }

  // After the program had its turn to read, so that the window has that room too.
  readonly #acknowledgeWhenRead = (): void => {
    this.#acknowledging = false
    if (this.#unacknowledged > 0 && !this.isClosed) this.#acknowledge()
  }

  #receiveFin(): void {
    if (this.state === "ESTABLISHED") this.state = "CLOSE_WAIT"
    else if (this.state === "FIN_WAIT_1") this.state = "CLOSING"
    else if (this.state === "FIN_WAIT_2") this.#waitForStragglers()
  }

  #waitForStragglers(): void {
    this.state = "TIME_WAIT"
    this.#retransmitAt =
      this.#persistAt =
      this.#keepAliveAt =
      this.#reorderAt =
        Infinity
    this.#expireAt = this.#now + Settings.lingering
    this.#setTimer()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Sending
  // -------------------------------------------------------------------------------------------------------------------

  #emit(contents: Contents): void {
    const link = this.#link
    this.host.send(new Segment(this.host, link?.to, this.local, this.remote, this.#peerKey, contents), link)
  }

  #send(flags: number, sequence: number, payload: Uint8Array, retransmission = false): void {
    const { next } = this.#input
    this.#emit({
      flags,
      sequence,
      sequenceBase: this.#base,
      acknowledgment: flags & ACK ? next : 0,
      acknowledgmentBase: this.#peerBase,
      window: this.#announce(flags),
      payload,
      sack: flags & ACK ? this.#input.ranges : bare.sack,
      maximumSegmentSize: flags & SYN ? Math.min(65535, this.#largestSegment) : undefined,
      retransmission
    })
    if (flags & ACK) {
      this.#acknowledgeAt = Infinity
      this.#unacknowledged = 0
    }
  }

  get #free(): number {
    return Math.max(0, this.#input.capacity - this.#input.readableBytes)
  }

  #announce(flags: number): number {
    const free = this.#free
    // The window of a SYN is not scaled.
    const window = flags & SYN ? Math.min(65535, free) : free - free % Settings.windowUnit
    this.#announcedEdge = Math.max(this.#announcedEdge, this.#input.next + window)
    return window
  }

  /** Tells the peer of the room that reading has made, if it is worth a segment (RFC 9293, section 3.8.6.2.2). */
  announceRoom(): void {
    if (this.isClosed || this.hasPeerFinished || this.#acknowledging) return
    const gained = this.#input.next + this.#free - this.#announcedEdge
    const left = this.#announcedEdge - this.#input.next
    const { capacity } = this.#input
    if (gained >= Math.min(capacity / 2, 2 * this.#segmentSize) && left < capacity / 2) this.#acknowledge()
  }

  #acknowledge(): void {
    this.#send(ACK, this.#next, none)
  }

  #sendSyn(retransmission: boolean): void {
    this.#send(this.state === "SYN_SENT" ? SYN : SYN | ACK, 0, none, retransmission)
    if (retransmission) return
    const now = this.#now
    this.#next = 1
    this.#underWay.sent(0, 1, now)
    this.#progressAt = now
    this.#retransmitAt = now + this.#roundTrip.timeout
    this.#setTimer()
  }

  #transmit(): void {
    const { state } = this
    if (state === "CLOSED" || state === "SYN_SENT" || state === "SYN_RECEIVED" || state === "TIME_WAIT") return
    const underWay = this.#underWay
    while (underWay.hasLost && (underWay.bytes < this.#congestion.window || underWay.bytes === 0)) this.#retransmit()
    if (this.#finSequence === Infinity) {
      while (this.#sendNext()) { /* and the next one */ }
    }
    this.#setTimer()
  }

  #retransmit(): void {
    const sent = this.#underWay.nextLost!
    const now = this.#now
    const end = Math.min(sent.end, sent.start + this.#segmentSize)
    const { start } = sent
    this.#underWay.resent(sent, end, now)
    this.#sendRange(start, end, true)
    this.#retransmitAt = now + this.#roundTrip.timeout
  }

  #sendRange(start: number, end: number, retransmission: boolean): void {
    const dataEnd = Math.min(end, this.#output.end)
    const payload = start < dataEnd ? this.#output.bytes(start, dataEnd) : none
    const fin = end > this.#finSequence ? FIN : 0
    const push = payload.length > 0 && dataEnd === this.#output.end ? PSH : 0
    this.#send(ACK | fin | push, start, payload, retransmission)
  }

  // Sends one more segment of what was written, if it may be sent now.
  #sendNext(): boolean {
    const underWay = this.#underWay
    const next = this.#next
    const waiting = this.#output.end - next
    if (waiting === 0 && !this.#finishing) return false
    const window = Math.min(
      this.#first + this.#peerWindow - next,
      Math.max(this.#congestion.window, this.#segmentSize) - underWay.bytes
    )
    const segmentSize = this.#segmentSize
    let size = Math.min(waiting, segmentSize, Math.max(0, window))
    if (waiting > 0 && size < Math.min(waiting, segmentSize)) {
      // The window has little room: wait until it has more, unless nothing is under way that would tell us of it.
      if (!underWay.isEmpty || size === 0) {
        if (underWay.isEmpty) this.#persist()
        return false
      }
    }
    if (size > 0 && size < segmentSize && !this.#noDelay && !underWay.isEmpty && !this.#finishing) return false
    const link = this.#link
    if (size > 1 && link !== undefined && link.segmentation.chance(link.settings.segmentation)) {
      size = 1 + link.segmentation.below(size)
    }
    const isLast = this.#finishing && size === waiting
    const end = next + size + (isLast ? 1 : 0)
    const now = this.#now
    if (underWay.isEmpty) this.#progressAt = now
    underWay.sent(next, end, now)
    this.#next = end
    if (isLast) this.#fin(next + size)
    this.#sendRange(next, end, false)
    if (this.#retransmitAt === Infinity) this.#retransmitAt = now + this.#roundTrip.timeout
    this.#persistAt = Infinity
    return !isLast
  }

  #fin(sequence: number): void {
    this.#finSequence = sequence
    this.state = this.state === "CLOSE_WAIT" ? "LAST_ACK" : "FIN_WAIT_1"
  }

  #persist(): void {
    if (this.#persistAt === Infinity) this.#persistAt = this.#now + this.#roundTrip.timeout
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Timers
  // -------------------------------------------------------------------------------------------------------------------

  #setTimer(): void {
    const at = Math.min(
      this.#retransmitAt,
      this.#acknowledgeAt,
      this.#reorderAt,
      this.#persistAt,
      this.#keepAliveAt,
      this.#expireAt
    )
    // One that is set for earlier looks again when it runs out.
    if (at === Infinity || (this.#timer !== undefined && this.#timer.at <= at)) return
    const { engine } = this.host.world
    if (this.#timer !== undefined) engine.cancel(this.#timer)
    const timer: Event = {
      at: 0,
      order: 0,
      cancelled: false,
      run: () => {
        this.#timer = undefined
        this.#expire(this.#now)
      }
    }
    this.#timer = timer
    engine.schedule(timer, at)
  }

  #expire(now: number): void {
    if (this.isClosed) return
    if (this.#expireAt <= now) return this.#end()
    if (this.#acknowledgeAt <= now) this.#acknowledge()
    if (this.#reorderAt <= now) {
      this.#detectLoss()
      this.#transmit()
    }
    if (this.#retransmitAt <= now) this.#timedOut(now)
    if (this.#persistAt <= now) this.#probeWindow(now)
    if (this.#keepAliveAt <= now) this.#probeLife(now)
    if (!this.isClosed) this.#setTimer()
  }

  #note(name: Trace.Timer["name"]): void {
    if (isUnix(this.local.address)) return
    this.host.world.note({
      _tag: "Timer",
      at: this.#now,
      host: this.host.name,
      source: this.local,
      destination: this.remote,
      name
    })
  }

  #timedOut(now: number): void {
    const { userTimeout, synRetries } = this.host.world.tcp
    if (this.state === "SYN_SENT" || this.state === "SYN_RECEIVED") {
      if (this.#synRetries++ >= synRetries) return this.#giveUp()
      this.#note("retransmission")
      this.#roundTrip.backOff()
      const syn = this.#underWay.first!
      this.#underWay.loseAll()
      this.#underWay.resent(syn, syn.end, now)
      this.#sendSyn(true)
    } else {
      const patience = this.#application === undefined ? Math.min(userTimeout, Settings.orphanTimeout) : userTimeout
      if (now - this.#progressAt >= patience) return this.#giveUp()
      this.#note("retransmission")
      this.#congestion.timedOut(this.#underWay.bytes, this.#next, this.#segmentSize)
      this.#underWay.loseAll()
      this.#roundTrip.backOff()
      this.#transmit()
    }
    this.#retransmitAt = now + this.#roundTrip.timeout
  }

  #probeWindow(now: number): void {
    if (now - this.#progressAt >= this.host.world.tcp.userTimeout) return this.#giveUp()
    this.#note("persist")
    this.#send(ACK, this.#next - 1, none)
    this.#roundTrip.backOff()
    this.#persistAt = now + this.#roundTrip.timeout
  }

  #probeLife(now: number): void {
    const due = this.#heardAt + this.#keepAlive
    if (this.#probes === 0 && due > now) {
      this.#keepAliveAt = due
    } else if (!this.#underWay.isEmpty) {
      this.#keepAliveAt = now + this.#keepAlive
    } else if (this.#probes === Settings.keepAliveProbes) {
      this.#giveUp()
    } else {
      this.#probes++
      this.#note("keepAlive")
      this.#send(ACK, this.#next - 1, none)
      this.#keepAliveAt = now + Settings.keepAliveInterval
    }
  }

  #giveUp(): void {
    this.#note("giveUp")
    this.#break("ETIMEDOUT")
  }

  #break(breakage: Breakage): void {
    if (this.isClosed) return
    const application = this.#application
    this.#end()
    application?.onBroken(breakage)
  }

  // What has come stays readable.
  #end(): void {
    if (this.isClosed) return
    this.state = "CLOSED"
    if (this.#timer !== undefined) this.host.world.engine.cancel(this.#timer)
    this.#timer = undefined
    this.#retransmitAt =
      this.#acknowledgeAt =
      this.#reorderAt =
      this.#persistAt =
      this.#keepAliveAt =
      this.#expireAt =
        Infinity
    this.#output.release(this.#output.end)
    this.host.tcp.remove(this)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reporting
  // -------------------------------------------------------------------------------------------------------------------

  /** What it waits for, in words. */
  get waiting(): string {
    if (this.state === "SYN_SENT") return "an answer to its SYN"
    if (this.state === "SYN_RECEIVED") return "the last acknowledgment of the handshake"
    if (this.#input.readableBytes > 0) return `somebody to read ${this.#input.readableBytes} bytes that have come`
    if (!this.#underWay.isEmpty) return `the acknowledgment of ${this.#next - this.#first} bytes`
    if (this.#output.end > this.#next) return `its peer to read, with ${this.#output.end - this.#next} bytes to send`
    if (this.state === "CLOSE_WAIT") return "the program to end it: its peer has"
    if (this.state === "FIN_WAIT_2") return "its peer to end it"
    return "bytes from its peer"
  }
}
