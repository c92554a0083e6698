import * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import {
  HandshakeCut,
  NoSharedApplicationProtocol,
  NoSharedProtocol,
  PeerAlert,
  ProtocolViolation,
  type TlsReason
} from "@sluice/core/TlsReason"
import type * as Transport from "@sluice/core/Transport"
import * as Bytes from "effect/Bytes"
import type { Submit } from "../../tcp/stream.ts"
import { type Alert, decodeAlert } from "../record/alert.ts"
import * as Record from "../record/record.ts"
import { RecordLayer, type RecordReceiver } from "../record/recordLayer.ts"
import { type Refusal, violation } from "../refusal.ts"
import type { TlsHost } from "../stack.ts"
import { SecureStream } from "../stream.ts"
import { encodeMessage, type Message, MessageReader, Transcript } from "./message.ts"

/** One side's part in a handshake: it takes the peer's messages one by one, and throws a `Refusal` to break it off. */
export type Conversation = Generator<undefined, Agreement, Message>

/** What it comes to. */
export interface Agreement {
  readonly session: Tls.Session
  /** Takes the tickets that come later, if they may. */
  readonly onTicket: ((ticket: string) => void) | undefined
}

/** Where a conversation sends its messages: together, when it waits for an answer or is over. */
export interface Wire {
  readonly send: (message: Message) => void
  /** Sends `Finished`. */
  readonly finish: () => void
}

/** Who hears how it went. */
export interface Outcome {
  readonly onDone: (stream: SecureStream) => void
  readonly onFailed: (error: NetworkError.NetworkError) => void
}

/** What is known before. */
export interface Options {
  /** Where the peer is, as errors name it. */
  readonly address: string
  readonly applicationProtocols: ReadonlyArray<string>
}

/** A handshake in progress: carries messages to and fro until both sides agree, or it fails. */
export class Handshake implements RecordReceiver, Wire {
  readonly #host: TlsHost
  readonly #layer: RecordLayer
  readonly #options: Options
  readonly #outcome: Outcome
  readonly #reader = new MessageReader()
  readonly #transcript = new Transcript()
  #conversation!: Conversation
  #flight: Array<Uint8Array> = []
  #isHello = false
  #stalled = false
  #over = false
  #error: NetworkError.NetworkError | undefined = undefined

  constructor(host: TlsHost, submit: Submit, transport: Transport.StreamTransport, options: Options, outcome: Outcome) {
    this.#host = host
    this.#layer = new RecordLayer(transport, submit, this)
    this.#options = options
    this.#outcome = outcome
  }

  /** Begins, with what the stream has delivered already. */
  begin(conversation: (wire: Wire) => Conversation, unread: Uint8Array | undefined): void {
    this.#layer.start()
    // It may have been closed before.
    if (this.#over) return
    this.#conversation = conversation(this)
    this.#conversation.next()
    // A server says nothing yet.
    this.#isHello = true
    this.#sendFlight()
    this.#isHello = false
    if (unread !== undefined) this.#layer.onData(unread)
  }

  /** Nobody waits for it any more. */
  abandon(): void {
    this.#layer.transport.reset()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Talking
  // -------------------------------------------------------------------------------------------------------------------

  send(message: Message): void {
    const bytes = encodeMessage(message)
    this.#transcript.add(bytes)
    this.#flight.push(bytes)
  }

  finish(): void {
    this.send({ name: "Finished", body: { transcript: this.#transcript.value } })
  }

  #sendFlight(): void {
    if (this.#flight.length === 0) return
    const content = Bytes.concat(this.#flight)
    this.#flight = []
    const fault = this.#host.tlsFault
    if (fault === "stall" && !this.#isHello) {
      this.#stalled = true
    } else if (fault === "cut") {
      const [half] = Record.encodeRecords(Record.handshake, content)
      this.#layer.write([half!.subarray(0, half!.length / 2)])
      this.#fail(commanded("it was cut by Fault.breakTls"))
    } else if (typeof fault === "object") {
      this.#fail(commanded(`it was refused by Fault.breakTls, with the alert ${fault.alert}`), fault.alert)
    } else {
      this.#layer.write(Record.encodeRecords(Record.handshake, content))
    }
  }

  onRecord({ fragment, type }: Record.TlsRecord): void {
    if (this.#stalled) return
    if (type === Record.alert) return this.#onAlert(fragment)
    if (type !== Record.handshake) throw violation("unexpected_message", "data came before the handshake was done")
    this.#reader.feed(fragment)
    for (let next = this.#reader.next(); next !== undefined && !this.#over; next = this.#reader.next()) {
      this.#onMessage(next.message, next.bytes)
    }
  }

  #onAlert(fragment: Uint8Array): void {
    const alert = decodeAlert(fragment)
    if (alert === undefined) throw violation("decode_error", "an alert cannot be read")
    if (alert === "user_canceled") return
    this.#fail(alert === "close_notify" ? new HandshakeCut() : this.#refusedWith(alert))
  }

  #refusedWith(alert: string): TlsReason {
    switch (alert) {
      case "protocol_version":
        return new NoSharedProtocol()
      case "no_application_protocol":
        return new NoSharedApplicationProtocol({ supported: this.#options.applicationProtocols })
      default:
        return new PeerAlert({ alert })
    }
  }

  #onMessage(message: Message, bytes: Uint8Array): void {
    if (message.name === "Finished" && message.body.transcript !== this.#transcript.value) {
      throw violation("decrypt_error", "the peer has not seen what was sent, or did not send what was seen")
    }
    this.#transcript.add(bytes)
    const step = this.#conversation.next(message)
    this.#sendFlight()
    if (step.done !== true || this.#stalled || this.#over) return
    if (this.#reader.isInMessage) throw violation("unexpected_message", "something came behind the last message")
    this.#done(step.value)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Ending
  // -------------------------------------------------------------------------------------------------------------------

  #done(agreement: Agreement): void {
    this.#over = true
    this.#layer.pause()
    const stream = new SecureStream(this.#host, this.#layer, agreement)
    this.#layer.use(stream)
    this.#outcome.onDone(stream)
  }

  #fail(reason: NetworkError.Reason, alert?: Alert): void {
    this.#failWith(NetworkError.make("secure", this.#options.address, reason), alert)
  }

  #failWith(error: NetworkError.NetworkError, alert?: Alert): void {
    if (this.#over) return
    this.#over = true
    this.#error = error
    // It is told when the stream is closed, so that nobody closes it in a harder way, and destroys the alert.
    this.#layer.breakOff(alert)
  }

  onRefused({ alert, reason }: Refusal): void {
    this.#fail(reason, alert)
  }

  onEnd(): void {
    this.#fail(new HandshakeCut())
  }

  onFlushed(): void {}

  onError({ cause, code, reason, syscall }: NetworkError.NetworkError): void {
    const { address } = this.#options
    this.#failWith(new NetworkError.NetworkError({ operation: "secure", address, reason, code, syscall, cause }))
  }

  onClose(): void {
    this.#fail(new HandshakeCut())
    if (this.#error !== undefined) this.#outcome.onFailed(this.#error)
  }
}

const commanded = (why: string) => new ProtocolViolation({ code: "fault", why })
