import { serveByHand } from "./byHand.ts"

const maxLength = 1024 * 1024
const handle = (message: Buffer): Buffer => message

serveByHand(() => {
  let rest: Buffer | undefined
  /** How many bytes there must be before it is worth looking again, so that a long message is joined once. */
  let needed = 4
  let pieces: Array<Buffer> = []
  let held = 0

  const join = (chunk: Buffer): Buffer | undefined => {
    if (rest !== undefined) pieces.push(rest)
    rest = undefined
    if (pieces.length === 0) return chunk
    pieces.push(chunk)
    held = pieces.reduce((sum, piece) => sum + piece.length, 0)
    if (held < needed) return undefined
    const all = Buffer.concat(pieces)
    pieces = []
    return all
  }

  return {
    isBetween: () => rest === undefined && pieces.length === 0,
    answer: (chunk) => {
      const input = join(chunk)
      if (input === undefined) return undefined
      const replies: Array<Buffer> = []
      let size = 0
      let at = 0
      needed = 4
      while (input.length - at >= 4) {
        const length = input.readUInt32BE(at)
        if (length > maxLength) throw new Error(`a message of ${length} bytes is too long`)
        if (input.length - at < 4 + length) {
          needed = 4 + length
          break
        }
        const reply = handle(input.subarray(at + 4, at + 4 + length))
        if (reply.length > maxLength) throw new Error(`a reply of ${reply.length} bytes is too long`)
        replies.push(reply)
        size += 4 + reply.length
        at += 4 + length
      }
      if (at < input.length) rest = at === 0 ? input : input.subarray(at)
      if (replies.length === 0) return undefined
      const output = Buffer.allocUnsafe(size)
      let end = 0
      for (const reply of replies) {
        end = output.writeUInt32BE(reply.length, end)
        output.set(reply, end)
        end += reply.length
      }
      return output
    }
  }
})
