/** The application protocol that the client chose, mostly by ALPN (RFC 7301): `"h2"`. One character a byte. */
export interface Alpn {
  readonly _tag: "Alpn"
  readonly protocol: string
}

/** The host name that the client asked for, mostly by SNI. */
export interface Authority {
  readonly _tag: "Authority"
  readonly name: string
}

/**
 * A CRC-32C of the whole header. It is verified when the header is decoded, and written where this stands when it is
 * encoded. At most one.
 */
export interface Crc32c {
  readonly _tag: "Crc32c"
}

/** Padding, which says nothing. */
export interface Noop {
  readonly _tag: "Noop"
  readonly value: Uint8Array
}

/** What the proxy calls the connection, for logs: at most 128 bytes. */
export interface UniqueId {
  readonly _tag: "UniqueId"
  readonly value: Uint8Array
}

/** What is known of the client's TLS session with the proxy. */
export interface Ssl {
  readonly _tag: "Ssl"
  /** The client speaks TLS. */
  readonly ssl: boolean
  /** It gave a certificate on this connection. */
  readonly certificateOnConnection: boolean
  /** It gave a certificate at least once in the TLS session that this connection belongs to. */
  readonly certificateInSession: boolean
  /** 0 if the client gave a certificate that was verified; from 0 to 2^32 - 1. */
  readonly verify: number
  /** `"TLSv1.3"`. */
  readonly version?: string | undefined
  /** The Common Name of the client's certificate. */
  readonly commonName?: string | undefined
  /** `"ECDHE-RSA-AES128-GCM-SHA256"`. */
  readonly cipher?: string | undefined
  /** What the proxy's certificate is signed with: `"RSA-SHA256"`. */
  readonly signatureAlgorithm?: string | undefined
  /** What the key of the proxy's certificate was made with: `"RSA2048"`. */
  readonly keyAlgorithm?: string | undefined
  /** How the keys were exchanged: `"secp256r1"`. */
  readonly group?: string | undefined
  /** What the proxy signed the handshake with: `"rsa_pss_rsae_sha256"`. */
  readonly signatureScheme?: string | undefined
  /** The client's certificate, in DER. */
  readonly clientCertificate?: Uint8Array | undefined
  /** Records that have no name here. */
  readonly others: ReadonlyArray<Other>
}

/** The network namespace (ip-netns(8)) that the client's socket is in. */
export interface NetworkNamespace {
  readonly _tag: "NetworkNamespace"
  readonly name: string
}

/**
 * A record that has no name here. The types from 0xe0 to 0xef are an application's own, those from 0xf0 to 0xf7 for
 * experiments.
 */
export interface Other {
  readonly _tag: "Other"
  readonly type: number
  readonly value: Uint8Array
}

/** A type-length-value record behind the addresses. */
export type Tlv = Alpn | Authority | Crc32c | Noop | UniqueId | Ssl | NetworkNamespace | Other
