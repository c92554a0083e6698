import type * as Connection from "@sluice/core/Connection"
import * as NetAddress from "effect/net/NetAddress"
import { Duplex } from "node:stream"

/** The properties of a `net.Socket` and a `tls.TLSSocket` that describe the connection. */
export abstract class SocketFacts extends Duplex {
  /** Whether the socket is connecting. Writes wait until it is connected. */
  connecting = false
  /** The server that accepted it, as on Node's sockets. */
  server: unknown = null
  #connection: Connection.Connection | undefined = undefined

  get connection(): Connection.Connection | undefined {
    return this.#connection
  }

  protected set connection(connection: Connection.Connection | undefined) {
    this.#connection = connection
  }

  get _connecting(): boolean {
    return this.connecting
  }

  get pending(): boolean {
    return this.#connection === undefined || this.connecting || this.destroyed
  }

  get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.connecting) return "opening"
    if (this.readable) return this.writable ? "open" : "readOnly"
    return this.writable ? "writeOnly" : "closed"
  }

  get bufferSize(): number | undefined {
    return this.#connection === undefined || this.destroyed ? undefined : this.writableLength
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Addresses
  // -------------------------------------------------------------------------------------------------------------------

  get localAddress(): string | undefined {
    return host(localOf(this))
  }

  get localPort(): number | undefined {
    return localOf(this)?.port
  }

  get localFamily(): string | undefined {
    return family(localOf(this))
  }

  get remoteAddress(): string | undefined {
    return host(remoteOf(this))
  }

  get remotePort(): number | undefined {
    return remoteOf(this)?.port
  }

  get remoteFamily(): string | undefined {
    return family(remoteOf(this))
  }

  address(): SocketName {
    return nameOf(localOf(this))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Settings without effect: they are options of `Network.connect` and `Server`
  // -------------------------------------------------------------------------------------------------------------------

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  // -------------------------------------------------------------------------------------------------------------------
  // TLS
  // -------------------------------------------------------------------------------------------------------------------

  get encrypted(): true | undefined {
    return this.#connection?.tls === undefined ? undefined : true
  }

  get authorized(): boolean | undefined {
    return this.#connection?.tls?.verified
  }

  get alpnProtocol(): string | false | undefined {
    const tls = this.#connection?.tls
    return tls && (tls.applicationProtocol ?? false)
  }

  get servername(): string | false | undefined {
    const tls = this.#connection?.tls
    return tls && (tls.serverName ?? false)
  }

  getProtocol(): string | null {
    return this.#connection?.tls?.protocol ?? null
  }

  /** The peer's certificate in Node's form, as far as it is known; an empty object where there is none. */
  getPeerCertificate(): object {
    const certificate = this.#connection?.tls?.peerCertificate
    if (certificate === undefined) return {}
    const { alternativeNames, fingerprint256, issuer, notAfter, notBefore, subject } = certificate
    return {
      subject: named(subject),
      issuer: named(issuer),
      subjectaltname: alternativeNames.join(", "),
      valid_from: notBefore.toUTCString(),
      valid_to: notAfter.toUTCString(),
      fingerprint256
    }
  }
}

/** An end of a connection, as Node names it. */
export interface SocketName {
  readonly address?: string
  readonly family?: string
  readonly port?: number
}

/** The name of an address; that of a Unix-domain socket is empty. */
export const nameOf = (address: NetAddress.InetAddress | undefined): SocketName =>
  address === undefined ? {} : { address: NetAddress.formatHost(address), family: family(address)!, port: address.port }

interface Connected {
  readonly connection: Connection.Connection | undefined
}

export const localOf = ({ connection }: Connected): NetAddress.InetAddress | undefined => inet(connection?.localAddress)
export const remoteOf = ({ connection }: Connected): NetAddress.InetAddress | undefined =>
  inet(connection?.remoteAddress)

const inet = (address: NetAddress.SocketAddress | undefined): NetAddress.InetAddress | undefined =>
  address === undefined || NetAddress.isUnixPathAddress(address) ? undefined : address

const host = (address: NetAddress.InetAddress | undefined): string | undefined =>
  address && NetAddress.formatHost(address)

const family = (address: NetAddress.InetAddress | undefined): string | undefined =>
  address && (NetAddress.isInetAddressV6(address) ? "IPv6" : "IPv4")

// An attribute that occurs several times is a list, as in Node.
const named = (name: ReadonlyArray<{ readonly type: string; readonly value: string }>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(Object.groupBy(name, ({ type }) => type)).map(([type, all = []]) => {
      const values = all.map(({ value }) => value)
      return [type, values.length === 1 ? values[0] : values]
    })
  )
