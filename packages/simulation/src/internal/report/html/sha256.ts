const fractions = (count: number, root: (prime: number) => number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let candidate = 2, known: Array<number> = []; found.length < count; candidate++) {
    if (known.some((prime) => candidate % prime === 0)) continue
    known = [...known, candidate]
    found.push((root(candidate) % 1) * 2 ** 32 | 0)
  }
  return found
}

const initial = fractions(8, Math.sqrt)
const constants = fractions(64, Math.cbrt)

/** SHA-256 (FIPS 180-4), synchronous: a Content-Security-Policy names scripts and styles by it. */
export const sha256 = (bytes: Uint8Array): Uint8Array => {
  const padded = new Uint8Array((bytes.length + 72) & ~63)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29))
  view.setUint32(padded.length - 4, bytes.length << 3)
  const state = Int32Array.from(initial)
  const words = new Int32Array(64)
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(block + 4 * i)
    for (let i = 16; i < 64; i++) {
      const a = words[i - 15]!
      const b = words[i - 2]!
      const low = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)
      const high = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10)
      words[i] = words[i - 16]! + low + words[i - 7]! + high
    }
    compress(state, words)
  }
  const digest = new Uint8Array(32)
  const out = new DataView(digest.buffer)
  for (const [index, word] of state.entries()) out.setInt32(4 * index, word)
  return digest
}

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by))

const compress = (state: Int32Array, words: Int32Array): void => {
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number]
  for (let i = 0; i < 64; i++) {
    const choice = (e & f) ^ (~e & g)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    const first = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + constants[i]! + words[i]!) | 0
    const second = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + second) | 0
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index] = state[index]! + word
}
