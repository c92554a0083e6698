/** The progress of transfers: a bar on a terminal, and a line every ten seconds elsewhere. */
import * as SafeText from "@sluice/framing/SafeText"
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string) => unknown
}

const width = 24
const shown = (bytes: number) => ByteSize.format(ByteSize.bytes(Math.round(bytes)), { precision: 1 })

/** Reports the sum of all files. `clear` removes the bar, before something else is printed. */
export const make = (output: Output) =>
  Effect.map(Clock.Clock, (clock) => {
    const files = new Map<string, { readonly offset: number; readonly size: number; readonly from: number }>()
    const isTerminal = output.isTTY === true
    const pause = isTerminal ? 100_000_000n : 10_000_000_000n
    let begun: bigint | undefined
    let due = 0n
    let isShown = false

    const clear = () => {
      if (isShown) output.write("\r\u001b[K")
      isShown = false
    }
    const report = (elapsed: number) => {
      const sum = { offset: 0, size: 0, from: 0 }
      for (const { from, offset, size } of files.values()) {
        sum.offset += offset
        sum.size += size
        sum.from += from
      }
      const part = sum.size === 0 ? 1 : sum.offset / sum.size
      const rate = elapsed < 1 ? 0 : (sum.offset - sum.from) / elapsed
      const left = part === 1 ? "" : `, ${Math.ceil((sum.size - sum.offset) / rate)} s left`
      const speed = rate === 0 ? "" : `, ${shown(rate)}/s${left}`
      const names = files.size === 1 ? SafeText.escape([...files.keys()][0]!, { limit: 40 }) : `${files.size} files`
      const text = `${names}: ${shown(sum.offset)} of ${shown(sum.size)}${speed}`
      if (!isTerminal) return void output.write(`${text}\n`)
      const filled = Math.floor(part * width)
      const bar = `[${"#".repeat(filled)}${" ".repeat(width - filled)}] ${Math.floor(part * 100)}% ${text}`
      output.write(`\r${bar.slice(0, (output.columns ?? 80) - 1)}\u001b[K`)
      isShown = true
    }
    return {
      clear,
      onProgress: (name: string) => (offset: number, size: number) => {
        const file = files.get(name)
        const from = file === undefined || offset < file.offset ? offset : file.from
        files.set(name, { offset, size, from })
        const now = clock.monotonicTimeNanosUnsafe()
        begun ??= now
        if (now < due || offset === from) return
        due = now + pause
        report(Number(now - begun) / 1e9)
      }
    }
  })
