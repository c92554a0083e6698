/** A certificate and its key, as PEM text. */
export interface Identity {
  readonly chain: string
  readonly key: string
}

/** Who is who on a network with TLS. */
export interface Identities {
  /** The certificate that issued the others. */
  readonly authority: string
  /** For `localhost` and `127.0.0.1`. */
  readonly server: Identity
  /** Of "a client". */
  readonly client: Identity
}
