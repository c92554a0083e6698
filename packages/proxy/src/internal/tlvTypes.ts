/**
 * The application protocol that the client chose, usually by ALPN (RFC 7301): `"h2"`. One character per byte.
 *
 * @since 0.1.0
 * @category models
 */
export interface Alpn {
  readonly _tag: "Alpn"
  readonly protocol: string
}

/**
 * The host name that the client asked for, usually by SNI (RFC 6066). A name that is not UTF-8 is an {@link Other} of type
 * 0x02.
 *
 * @since 0.1.0
 * @category models
 */
export interface Authority {
  readonly _tag: "Authority"
  readonly name: string
}

/**
 * A CRC-32C of the whole header: computed when the header is encoded, verified when it is decoded. At most one per header.
 *
 * @since 0.1.0
 * @category models
 */
export interface Crc32c {
  readonly _tag: "Crc32c"
}

/**
 * Padding without meaning.
 *
 * @since 0.1.0
 * @category models
 */
export interface Noop {
  readonly _tag: "Noop"
  readonly value: Uint8Array
}

/**
 * The proxy's identifier of the connection, for logs. At most 128 bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface UniqueId {
  readonly _tag: "UniqueId"
  readonly value: Uint8Array
}

/**
 * The client's TLS session with the proxy.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ssl {
  readonly _tag: "Ssl"
  /** The client connected over TLS. */
  readonly ssl: boolean
  /** The client sent a certificate on this connection. */
  readonly certificateOnConnection: boolean
  /** The client sent a certificate at least once in the TLS session that this connection belongs to. */
  readonly certificateInSession: boolean
  /** 0 if the client sent a certificate and it was verified. From 0 to 2^32 - 1. */
  readonly verify: number
  /** `"TLSv1.3"`. */
  readonly version?: string | undefined
  /**
   * The common name of the client's certificate. A name that is not UTF-8 is in `others`, with the type 0x22: the client chose
   * it, and it must not break the connection.
   */
  readonly commonName?: string | undefined
  /** `"ECDHE-RSA-AES128-GCM-SHA256"`. */
  readonly cipher?: string | undefined
  /** The signature algorithm of the proxy's certificate: `"RSA-SHA256"`. */
  readonly signatureAlgorithm?: string | undefined
  /** The key algorithm of the proxy's certificate: `"RSA2048"`. */
  readonly keyAlgorithm?: string | undefined
  /** The key exchange group: `"secp256r1"`. */
  readonly group?: string | undefined
  /** The signature scheme of the proxy's handshake: `"rsa_pss_rsae_sha256"`. */
  readonly signatureScheme?: string | undefined
  /** The client's certificate, in DER. */
  readonly clientCertificate?: Uint8Array | undefined
  /** Nested records of other types. */
  readonly others: ReadonlyArray<Other>
}

/**
 * The network namespace (ip-netns(8)) of the client's socket.
 *
 * @since 0.1.0
 * @category models
 */
export interface NetworkNamespace {
  readonly _tag: "NetworkNamespace"
  readonly name: string
}

/**
 * A record of any other type. The types 0xe0 to 0xef are reserved for applications, 0xf0 to 0xf7 for experiments.
 *
 * @since 0.1.0
 * @category models
 */
export interface Other {
  readonly _tag: "Other"
  readonly type: number
  readonly value: Uint8Array
}

/**
 * A type-length-value record after the addresses. Version 2 only.
 *
 * @since 0.1.0
 * @category models
 */
export type Tlv = Alpn | Authority | Crc32c | Noop | UniqueId | Ssl | NetworkNamespace | Other
