import type * as Trace from "../../../Trace.ts"
import type { Application, Breakage } from "./endpointListener.ts"
import { type Due, Expiry } from "./expiry.ts"
import { KeepAlive } from "./keepAlive.ts"
import { Path } from "./path.ts"
import { Receiver } from "./receiving/receiver.ts"
import { ACK, FIN, keyOf, RST, type Segment, SYN } from "./segment.ts"
import { Sender } from "./sending/sender.ts"
import * as Settings from "./settings.ts"
import { afterFin, afterFinAcknowledged, afterFinSent, type Pending, sends, type State } from "./state.ts"
import type { TcpTable } from "./table.ts"
import { Timers } from "./timers.ts"

export interface Options {
  readonly local: Trace.Socket
  readonly remote: Trace.Socket
  readonly noDelay: boolean
  readonly keepAlive: number | undefined // milliseconds
  /** Whether a listener may bind the same port: all sockets but those that connect from any port set SO_REUSEADDR. */
  readonly reuseAddress: boolean
}

/**
 * One end of a TCP connection (RFC 9293), with selective acknowledgments (RFC 2018), loss detection by time (RFC 8985),
 * the retransmission timer of RFC 6298 and the congestion control of RFC 5681.
 *
 * This is its state machine; what it sends is the matter of `Sender`, what has come of `Receiver`.
 */
export class Endpoint {
  readonly #table: TcpTable
  readonly local: Trace.Socket
  readonly remote: Trace.Socket
  readonly key: string
  readonly reuseAddress: boolean
  state: State = "CLOSED"
  #application: Application | undefined
  readonly #path: Path
  readonly #timers: Timers
  readonly #receiver: Receiver
  readonly #sender: Sender
  readonly #keepAlive: KeepAlive | undefined
  readonly #expiry: Expiry
  #flushing = false
  #acknowledging = false

  constructor(table: TcpTable, options: Options, application: Application) {
    const path = new Path(table, options.local, options.remote)
    const timers = new Timers(table.stack.engine, () => this.#expire(path.now))
    this.#table = table
    this.local = options.local
    this.remote = options.remote
    this.reuseAddress = options.reuseAddress
    this.key = keyOf(options.local, options.remote)
    this.#application = application
    this.#path = path
    this.#timers = timers
    this.#receiver = new Receiver(path, table.settings.receiveBuffer)
    this.#sender = new Sender(path, this.#receiver, timers, options.noDelay)
    this.#keepAlive = options.keepAlive === undefined
      ? undefined
      : new KeepAlive(path, timers, options.keepAlive * 1000)
    this.#expiry = new Expiry({ path, timers, sender: this.#sender, keepAlive: this.#keepAlive })
  }

  // A getter, so that the compiler does not take the state for what it was before a call.
  get isClosed(): boolean {
    return this.state === "CLOSED"
  }

  /** How long it has only remembered its addresses, in microseconds: in TIME_WAIT, or in FIN_WAIT_2 without a descriptor. */
  get lingered(): number {
    return this.#path.now - this.#timers.expireAt + Settings.lingering
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What the application does
  // -------------------------------------------------------------------------------------------------------------------

  /** Sends SYN. */
  connect(): void {
    this.state = "SYN_SENT"
    this.#table.add(this)
    this.#sender.sendSyn(SYN)
  }

  /** Answers SYN. */
  accept(syn: Segment): void {
    this.state = "SYN_RECEIVED"
    this.#meet(syn)
    this.#table.add(this)
    this.#sender.sendSyn(SYN | ACK)
  }

  get room(): number {
    return this.#sender.room
  }

  get unacknowledged(): number {
    return this.#sender.unacknowledged
  }

  get hasOutput(): boolean {
    return this.#sender.hasOutput
  }

  /** Takes a copy of as much as there is room for; answers how much. `flush` sends it. */
  write(chunk: Uint8Array): number {
    return this.#sender.write(chunk)
  }

  /** Sends what was written: at once, or now and then a little later, together with what may follow. */
  flush(): void {
    if (this.#flushing) return
    if (!this.#path.divides()) return this.#transmit()
    this.#flushing = true
    this.#table.stack.engine.submit(() => {
      this.#flushing = false
      this.#transmit()
    })
  }

  /** Sends FIN after all that was written. */
  finish(): void {
    if (!this.isClosed && this.#sender.finish()) this.#transmit()
  }

  get readableBytes(): number {
    return this.#receiver.readableBytes
  }

  /** Whether everything that the peer sent has been read, and its FIN has come. */
  get isAtEnd(): boolean {
    return this.#receiver.readableBytes === 0 && this.#receiver.hasFinished
  }

  /** What has come, as a read of 64 KiB gives it: all of it if it fits, or less by chance. */
  read(): Uint8Array | undefined {
    return this.#receiver.read()
  }

  /** Whether nobody else has the array that `read` returned last. */
  get hasCopied(): boolean {
    return this.#receiver.hasCopied
  }

  /** Tells the peer of the room that reading has made, if it is worth a segment. */
  announceRoom(): void {
    if (this.isClosed || this.#receiver.hasFinished || this.#acknowledging) return
    if (this.#receiver.hasGainedRoom) this.#acknowledge()
  }

  /**
   * The application has closed its descriptor. What it wrote is still sent, and FIN behind it, unless something is left
   * unread: then the peer gets a reset, so that it does not take what it sent for received (RFC 2525, section 2.17).
   */
  close(): void {
    this.#application = undefined
    if (this.state === "SYN_SENT") return this.#end()
    if (this.readableBytes > 0) return this.abort()
    this.finish()
    if (this.state === "FIN_WAIT_2") this.#linger()
    this.#timers.schedule()
  }

  /** Sends RST and forgets the connection. */
  abort(): void {
    this.#application = undefined
    const { state } = this
    if (state !== "CLOSED" && state !== "SYN_SENT" && state !== "TIME_WAIT") this.#sender.sendBare(RST | ACK)
    this.#end()
  }

  /** Nothing is sent any more: the machine has lost its power, or the backlog of a Unix-domain listener is full. */
  vanish(breakage: Breakage = "ENETDOWN"): void {
    this.#break(breakage)
  }

  /** The process has died: the kernel closes its descriptor. */
  orphan(): void {
    const application = this.#application
    this.close()
    application?.onBroken("ENETDOWN")
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What the peer does
  // -------------------------------------------------------------------------------------------------------------------

  receive(segment: Segment): void {
    this.#keepAlive?.heard()
    if (this.state === "SYN_SENT") return this.#receiveAnswer(segment)
    const { flags } = segment
    if (segment.sequenceBase !== this.#receiver.peerBase) {
      // Of a connection that had these addresses before, or of one that will have them.
      if (flags & SYN && this.state === "TIME_WAIT") {
        this.#end()
        this.#table.receive(segment)
      } else if (flags & SYN) {
        this.#acknowledge()
      }
      return
    }
    if (flags & RST) return this.#receiveReset(segment)
    if (flags & SYN) {
      return this.state === "SYN_RECEIVED" ? this.#sender.repeatSyn(SYN | ACK) : this.#acknowledge()
    }
    if (!(flags & ACK) || segment.acknowledgmentBase !== this.#sender.base) return
    if (!this.#sender.hasSent(segment.acknowledgment)) return this.#acknowledge()

    if (this.state === "SYN_RECEIVED") {
      if (segment.acknowledgment < 1) return
      // The client takes the connection for open; SYN is sent again until the queue has room, as Linux does.
      if (this.#application?.hasRoom() === false) return segment.drop("backlogFull")
      this.#establish()
    }
    this.#receiveAcknowledgment(segment)
    if (this.isClosed) return
    if (segment.payload.length > 0 || flags & FIN) this.#receiveData(segment)
    // A probe, or something very late: the answer says where we are.
    else if (segment.sequence === this.#receiver.next - 1) this.#acknowledge()
    if (this.isClosed) return
    this.#transmit()
  }

  #receiveAnswer(segment: Segment): void {
    const { flags } = segment
    const answers = (flags & ACK) !== 0 && segment.acknowledgmentBase === this.#sender.base &&
      segment.acknowledgment === 1
    if (flags & RST) {
      if (answers) this.#break("ECONNREFUSED")
    } else if (!answers) {
      // It acknowledges something that this connection never sent: the peer has an old one, and should forget it.
      if (flags & ACK) {
        this.#path.send(segment.rejection())
        this.#expiry.hurrySyn()
      }
    } else if (flags & SYN) {
      this.#meet(segment)
      this.#establish()
      this.#receiveAcknowledgment(segment)
      this.#acknowledge()
      this.#transmit()
    }
  }

  #receiveReset(segment: Segment): void {
    if (!this.#receiver.isInWindow(segment.sequence)) return
    if (this.state === "TIME_WAIT") return this.#end()
    this.#break(this.state === "CLOSE_WAIT" || this.state === "LAST_ACK" ? "EPIPE" : "ECONNRESET")
  }

  /** An ICMP error ends an attempt to connect; later it is the reason if the peer stays silent (RFC 5927, section 5). */
  receiveError(error: Breakage): void {
    if (this.state === "SYN_SENT" || this.state === "SYN_RECEIVED") return this.#break(error)
    this.#expiry.silence = error
  }

  #meet(syn: Segment): void {
    this.#path.peerSegmentSize = syn.maximumSegmentSize ?? 536
    this.#receiver.meet(syn)
    this.#sender.meet(syn)
  }

  #establish(): void {
    this.state = "ESTABLISHED"
    this.#expiry.established()
    this.#keepAlive?.start()
    this.#application?.onEstablished()
  }

  #receiveAcknowledgment(segment: Segment): void {
    const sender = this.#sender
    if (sender.acknowledged(segment.acknowledgment)) {
      this.#expiry.silence = "ETIMEDOUT"
      if (sender.isFinAcknowledged) this.#finAcknowledged()
      if (this.isClosed) return
      if (sender.room > 0) this.#application?.onWritable()
    }
    sender.update(segment)
    this.#timers.schedule()
  }

  #finAcknowledged(): void {
    const next = afterFinAcknowledged[this.state]
    if (next === "TIME_WAIT") return this.#waitForStragglers()
    if (next === "CLOSED") return this.#end()
    if (next === undefined) return
    this.state = next
    if (this.#application === undefined) this.#linger()
  }

  #receiveData(segment: Segment): void {
    const receiver = this.#receiver
    const before = receiver.next
    if (segment.end <= before) return this.#acknowledge()
    // Nobody will ever read it: the peer should know.
    if (segment.payload.length > 0 && this.#application === undefined) return this.abort()
    const urgency = receiver.receive(segment)
    if (receiver.hasFinished) {
      this.#receiveFin()
      this.#acknowledge()
      this.#application?.onReadable()
      return
    }
    if (receiver.next > before) this.#application?.onReadable()
    if (urgency === "atOnce") {
      this.#acknowledge()
    } else if (urgency === "whenRead") {
      if (this.#acknowledging) return
      this.#acknowledging = true
      this.#table.stack.engine.submit(this.#acknowledgeWhenRead)
    } else if (this.#timers.acknowledgeAt === Infinity) {
      this.#timers.acknowledgeAt = this.#path.now + Settings.delayedAcknowledgment
      this.#timers.schedule()
    }
  }

  // After the program had its turn to read, so that the window has that room too.
  readonly #acknowledgeWhenRead = (): void => {
    this.#acknowledging = false
    if (this.#receiver.hasUnacknowledged && !this.isClosed) this.#acknowledge()
  }

  #acknowledge(): void {
    this.#sender.sendBare(ACK)
  }

  #receiveFin(): void {
    const next = afterFin[this.state]
    if (next === "TIME_WAIT") this.#waitForStragglers()
    else if (next !== undefined) this.state = next
  }

  #waitForStragglers(): void {
    this.state = "TIME_WAIT"
    this.#timers.stopSending()
    this.#linger()
    this.#timers.schedule()
  }

  #linger(): void {
    this.#timers.expireAt = this.#path.now + Settings.lingering
  }

  #transmit(): void {
    if (!sends(this.state)) return
    this.#sender.transmit()
    if (this.#sender.hasSentFin) this.state = afterFinSent[this.state] ?? this.state
    this.#timers.schedule()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What time does
  // -------------------------------------------------------------------------------------------------------------------

  #expire(now: number): void {
    const timers = this.#timers
    if (this.isClosed) return
    if (timers.expireAt <= now) return this.#end()
    if (timers.acknowledgeAt <= now) this.#acknowledge()
    if (timers.reorderAt <= now) {
      this.#sender.detectLoss()
      this.#transmit()
    }
    if (timers.retransmitAt <= now) this.#act(this.#expiry.timedOut(this.state, this.#application === undefined))
    if (timers.persistAt <= now) this.#act(this.#expiry.probeWindow())
    this.#act(this.#expiry.probeLife())
    if (!this.isClosed) timers.schedule()
  }

  #act(due: Due): void {
    if (due === "giveUp") return this.#break(this.#expiry.silence)
    if (due === "nothing") return
    this.#transmit()
    this.#sender.restartRetransmission()
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
    this.#timers.stop()
    this.#sender.discard()
    this.#table.remove(this)
  }

  /** Bytes that wait: for the program, for an acknowledgment, and for room at the peer. */
  get pending(): Pending {
    const { isUnderWay, unacknowledgedBytes, unsentBytes } = this.#sender
    return { unread: this.readableBytes, unacknowledged: isUnderWay ? unacknowledgedBytes : 0, unsent: unsentBytes }
  }
}
