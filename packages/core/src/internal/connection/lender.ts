import type * as Transport from "../../Transport.ts"

// From this size on, a chunk is a sign of a bulk transfer, which is worth a read buffer of its own.
const bulkBytes = 16 * 1024

/**
 * Makes a chunk that a transport lends for the call of `onData` stay as it is until the next one: by a copy where that is
 * cheap, and otherwise by a read buffer that belongs to the connection.
 */
export class Lender {
  #transport: Transport.StreamTransport | undefined = undefined

  extend(chunk: Uint8Array, transport: Transport.StreamTransport): Uint8Array {
    if (this.#transport === transport) return chunk
    const bytes = transport.keep(chunk)
    if (chunk.length >= bulkBytes && transport.dedicate()) this.#transport = transport
    return bytes
  }
}
