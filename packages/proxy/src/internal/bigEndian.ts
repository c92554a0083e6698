/** Integers in network byte order, which is all that the header has. */

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

export const readUint16 = (bytes: Uint8Array, at: number): number => viewOf(bytes).getUint16(at)

export const readUint32 = (bytes: Uint8Array, at: number): number => viewOf(bytes).getUint32(at)

export const writeUint16 = (bytes: Uint8Array, at: number, value: number): void => viewOf(bytes).setUint16(at, value)

export const writeUint32 = (bytes: Uint8Array, at: number, value: number): void => viewOf(bytes).setUint32(at, value)
