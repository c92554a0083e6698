import { serveByHand } from "./byHand.ts"

const maxLength = 65_536
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const handle = (line: string): string => line

serveByHand(() => {
  let pieces: Array<Buffer> = []
  let held = 0
  return {
    isBetween: () => held === 0,
    answer: (chunk) => {
      const last = chunk.lastIndexOf(10)
      if (last < 0) {
        pieces.push(chunk)
        held += chunk.length
        if (held > maxLength + 1) throw new Error(`a line of ${held} bytes is too long`)
        return undefined
      }
      pieces.push(chunk.subarray(0, last))
      const text = strict.decode(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces))
      pieces = last + 1 < chunk.length ? [chunk.subarray(last + 1)] : []
      held = chunk.length - last - 1
      let output = ""
      for (const ended of text.split("\n")) {
        const line = ended.endsWith("\r") ? ended.slice(0, -1) : ended
        if (line.length > maxLength) throw new Error(`a line of ${line.length} characters is too long`)
        const reply = handle(line)
        if (reply.includes("\n")) throw new Error("a reply holds the end of a line")
        output += `${reply}\n`
      }
      return Buffer.from(output)
    }
  }
})
