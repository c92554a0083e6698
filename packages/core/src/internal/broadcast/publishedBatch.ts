/** Messages that were published in one go. */
export class Batch<out A> {
  readonly messages: ReadonlyArray<A>
  #chunks: ReadonlyArray<Uint8Array> | undefined = undefined

  constructor(messages: ReadonlyArray<A>) {
    this.messages = messages
  }

  /** The same but for some, whose places are given in order. */
  without(indexes: ReadonlyArray<number>): Batch<A> {
    let next = 0
    return new Batch(this.messages.filter((_, index) => {
      if (index !== indexes[next]) return true
      next++
      return false
    }))
  }

  /** What is to be written of messages that are bytes; put together once for all who get them. */
  get chunks(): ReadonlyArray<Uint8Array> {
    return this.#chunks ??= joined(this.messages as ReadonlyArray<unknown> as ReadonlyArray<Uint8Array>)
  }
}

/**
 * Messages that were encoded one after the other lie side by side in the encoder's buffer: what is one piece of memory is
 * one chunk.
 */
export const joined = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  if (chunks.length === 1 && chunks[0]!.length > 0) return chunks
  const all: Array<Uint8Array> = []
  for (let begin = 0; begin < chunks.length;) {
    const first = chunks[begin]!
    let end = first.byteOffset + first.length
    let next = begin + 1
    for (; next < chunks.length; next++) {
      const chunk = chunks[next]!
      if (chunk.buffer !== first.buffer || chunk.byteOffset !== end) break
      end += chunk.length
    }
    const length = end - first.byteOffset
    if (length > 0) all.push(length === first.length ? first : new Uint8Array(first.buffer, first.byteOffset, length))
    begin = next
  }
  return all
}
