/** One array of all the bytes of the chunks; the chunk itself when there is one. */
export const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (chunks.length === 1) return chunks[0]!
  const all = new Uint8Array(byteLength(chunks))
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return all
}

/** How many bytes the chunks have together. */
export const byteLength = (chunks: ReadonlyArray<Uint8Array>): number => {
  let total = 0
  for (const chunk of chunks) total += chunk.length
  return total
}

/** Takes the first `count` bytes off the chunks, which have as many: a view where they lie in one chunk. */
export const takeFrom = (chunks: Array<Uint8Array>, count: number): Uint8Array => {
  const taken: Array<Uint8Array> = []
  let missing = count
  while (missing > 0) {
    const chunk = chunks[0]!
    if (chunk.length <= missing) {
      taken.push(chunk)
      chunks.shift()
      missing -= chunk.length
    } else {
      taken.push(chunk.subarray(0, missing))
      chunks[0] = chunk.subarray(missing)
      missing = 0
    }
  }
  return taken.length === 0 ? new Uint8Array(0) : concat(taken)
}

/** Where `delimiter` begins in the chunks, counted from the first byte of the first one, at `start` or later; or -1. */
export const indexOf = (chunks: ReadonlyArray<Uint8Array>, delimiter: Uint8Array, start: number): number => {
  let offset = 0
  for (let index = 0; index < chunks.length; index++) {
    const chunk = chunks[index]!
    if (offset + chunk.length > start) {
      let at = chunk.indexOf(delimiter[0]!, Math.max(0, start - offset))
      while (at !== -1) {
        if (matches(chunks, index, at, delimiter)) return offset + at
        at = chunk.indexOf(delimiter[0]!, at + 1)
      }
    }
    offset += chunk.length
  }
  return -1
}

const matches = (chunks: ReadonlyArray<Uint8Array>, index: number, at: number, delimiter: Uint8Array): boolean => {
  let chunk = chunks[index]!
  for (const byte of delimiter) {
    while (at === chunk.length) {
      if (++index === chunks.length) return false
      chunk = chunks[index]!
      at = 0
    }
    if (chunk[at++] !== byte) return false
  }
  return true
}
