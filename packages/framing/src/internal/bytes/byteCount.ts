/** A number of bytes in words: `1 byte`, `5 bytes`. */
export const byteCount = (bytes: number): string => `${bytes} byte${bytes === 1 ? "" : "s"}`
