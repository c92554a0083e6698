/** What a server costs, in milliseconds of CPU until it listened, and in bytes now. */
export interface Usage {
  readonly startCpu: number
  readonly heap: number
  readonly resident: number
}

/** Tells the benchmark that the server listens, answers what it costs when asked, and ends when the benchmark does. */
export const ready = (port: number): void => {
  const { user, system } = process.cpuUsage()
  process.stdout.write(`listening ${port}\n`)
  process.on("disconnect", () => process.exit())
  process.on("message", () => {
    collect(3, () => {
      const { heapUsed, rss } = process.memoryUsage()
      process.send!({ startCpu: (user + system) / 1000, heap: heapUsed, resident: rss } satisfies Usage)
    })
  })
}

// What one collection frees may hold what the next one frees.
const collect = (times: number, then: () => void): void => {
  if (times === 0) return then()
  globalThis.gc!()
  setImmediate(collect, times - 1, then)
}
