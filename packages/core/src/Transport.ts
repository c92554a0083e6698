/**
 * What a platform implements: the whole contract between Sluice and an operating system, or a simulation of one.
 *
 * A platform translates and decides nothing. It opens sockets at concrete addresses and reports what happens to them;
 * names, limits, timeouts, backpressure, closing in order and metrics are written once, above it. Programs never see
 * this module: they see `Network`, which `Network.make` builds from a `Platform`.
 */
import type * as Effect from "effect/Effect"
import type * as AddressResolver from "effect/net/AddressResolver"
import type * as NetAddress from "effect/net/NetAddress"
import * as internal from "./internal/connection/peerAddress.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as SocketOptions from "./SocketOptions.ts"
import type * as Tls from "./Tls.ts"

/** A source of sockets. */
export interface Platform {
  /** Finds the addresses of names. */
  readonly resolver: AddressResolver.AddressResolver["Service"]
  /** Opens a connection. Interruption abandons the attempt and closes its descriptor. */
  readonly connect: (
    address: NetAddress.SocketAddress,
    options: SocketOptions.Connect
  ) => Effect.Effect<StreamTransport, NetworkError.NetworkError>
  /** Binds and listens. Every connection from then on goes to `receiver`. */
  readonly listen: (
    address: NetAddress.SocketAddress,
    options: SocketOptions.Listen,
    receiver: ListenerReceiver
  ) => Effect.Effect<ListenerTransport, NetworkError.NetworkError>
  /**
   * Prepares TLS as the settings say; once for each value of them, and before anything is opened. Fails with
   * `UnusableCertificate` or `KeyMismatch`.
   */
  readonly secure: (
    settings: Tls.Client | Tls.Server,
    address: string
  ) => Effect.Effect<SecureContext, NetworkError.NetworkError>
  /** Binds a datagram socket. Every datagram from then on goes to `receiver`. */
  readonly bind: (
    address: NetAddress.InetAddress,
    options: SocketOptions.Bind,
    receiver: DatagramReceiver
  ) => Effect.Effect<DatagramTransport, NetworkError.NetworkError>
}

/**
 * One open byte stream.
 *
 * It delivers nothing before `start`; from then on it delivers until a receiver answers `false`, and again after
 * `resume`. The order of events is: any number of `onData`, at most one `onEnd`; at most one `onError`; and exactly one
 * `onClose`, after which the descriptor is closed and nothing follows. A stream both of whose directions have ended closes
 * itself.
 */
export interface StreamTransport {
  /** What was negotiated, if it is a stream over TLS. */
  readonly tls?: Tls.Session | undefined
  /** Whether something that `write` has taken is not with the system yet, so that `destroy` would lose it. Default: not. */
  readonly isSending?: boolean | undefined
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
  /** Names the receiver and begins to deliver. Called once. */
  readonly start: (receiver: StreamReceiver) => void
  /** Goes on delivering after an `onData` that answered `false`. */
  readonly resume: () => void
  /** A chunk given to `onData` is only lent for the call: this gives one that may be kept. */
  readonly keep: (chunk: Uint8Array) => Uint8Array
  /**
   * Reads into a buffer of this stream's own from now on, so that a lent chunk stays as it is until the next `onData`:
   * that saves bulk transfers a copy. Answers whether it does.
   */
  readonly dedicate: () => boolean
  /**
   * Writes, in order, the chunks given. `true`: all is on its way and the chunks are free again. `false`: the chunks are
   * in use until `onFlushed`, and nothing may be written before it.
   */
  readonly write: (chunks: ReadonlyArray<Uint8Array>) => boolean
  /** Sends FIN. Called once, when nothing is being written. */
  readonly end: () => void
  /** Closes the descriptor at once. What the system has taken is still sent, if nothing is left unread. */
  readonly destroy: () => void
  /** Closes the descriptor at once with a TCP reset, where there is such a thing. */
  readonly reset: () => void
}

/** TLS as it was prepared: makes open streams secure, in the role that its settings are for. */
export interface SecureContext {
  /**
   * Shakes hands over an open stream, and gives the secure stream in its place.
   *
   * The stream may have been started and be delivering. From this call on its receiver hears nothing more from it, and
   * bytes that it delivers next are the handshake's. Its `destroy` and `reset` go on to work, and are what they are on the
   * secure stream. After a failure or an interruption it is closed.
   */
  readonly handshake: (
    transport: StreamTransport,
    peer: HandshakePeer
  ) => Effect.Effect<SecureTransport, NetworkError.NetworkError>
}

/** The other side of a handshake, as it is known before. */
export interface HandshakePeer {
  /** Where it is, as errors name it; a client keeps sessions to resume by it. */
  readonly address: string
  /** For a client: the name or IP address that the server's certificate must be for. A name is sent too (SNI). */
  readonly serverName?: string | undefined
  /** What the stream has delivered already: the first bytes of the handshake. */
  readonly unread?: Uint8Array | undefined
}

/**
 * A stream over TLS. Its `end` sends `close_notify` and then FIN, and does not end reading; so does `destroy`, unless
 * `isSending`. Its `onEnd` is the peer's
 * `close_notify`; a FIN without one is `onError` with the reason `Truncated`. Until it is started nothing that comes is
 * lost.
 */
export interface SecureTransport extends StreamTransport {
  readonly tls: Tls.Session
}

/** Who hears what happens on a `StreamTransport`. */
export interface StreamReceiver {
  /** Bytes came. Answers whether to go on delivering. */
  readonly onData: (chunk: Uint8Array) => boolean
  /** The peer's FIN came: there will be no more data. */
  readonly onEnd: () => void
  /** What `write` left unfinished is on its way. */
  readonly onFlushed: () => void
  /** The stream broke. `onClose` follows. */
  readonly onError: (error: NetworkError.NetworkError) => void
  /** The descriptor is closed. */
  readonly onClose: () => void
}

/** A listening socket. */
export interface ListenerTransport {
  /** The address that it is bound to, with the port that the system chose. */
  readonly address: NetAddress.SocketAddress
  /** Stops listening and closes the descriptor; connections already delivered go on. */
  readonly close: Effect.Effect<void>
}

/** Who gets a listener's connections. */
export interface ListenerReceiver {
  readonly onConnection: (transport: StreamTransport) => void
  /** A connection could not be accepted, for example for want of descriptors. Listening goes on. */
  readonly onAcceptError: (error: NetworkError.NetworkError) => void
}

/** Where a datagram came from, as the system gave it: parsed only when someone asks. */
export interface DatagramSource {
  readonly address: string
  readonly port: number
}

/** A bound datagram socket. */
export interface DatagramTransport {
  readonly localAddress: NetAddress.InetAddress
  /**
   * Sends one datagram, to the connected peer when `to` is left out. The payload is in use until `done`, which is called
   * exactly once, during the call or later.
   */
  readonly send: (
    payload: Uint8Array,
    to: DatagramSource | undefined,
    done: (error?: NetworkError.NetworkError) => void
  ) => void
  /** Parses a source. */
  readonly parse: (source: DatagramSource) => NetAddress.InetAddress
  /** Writes an address as a source, to send to. */
  readonly format: (address: NetAddress.InetAddress) => DatagramSource
  readonly joinMulticast: (membership: SocketOptions.Multicast) => Effect.Effect<void, NetworkError.NetworkError>
  readonly leaveMulticast: (membership: SocketOptions.Multicast) => Effect.Effect<void>
  /** Closes the descriptor. */
  readonly close: Effect.Effect<void>
}

/** Who hears what comes in on a `DatagramTransport`. */
export interface DatagramReceiver {
  /** A datagram came. The payload may be kept. */
  readonly onDatagram: (payload: Uint8Array, source: DatagramSource) => void
  /** The system reports that a datagram sent before did not arrive, or that receiving failed. It may work again. */
  readonly onError: (error: NetworkError.NetworkError) => void
}

/** The peer of a stream as errors name it. The client of a Unix-domain socket has no path: then the path it connected to. */
export const formatPeer: (
  transport: Pick<StreamTransport, "localAddress" | "remoteAddress">
) => string = internal.formatPeer
