import { PerformanceObserver } from "node:perf_hooks"

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
  process.on("message", (message) => {
    if (message === "collections") process.send!(toggleCollections())
    else {collect(3, () => {
        const { heapUsed, rss } = process.memoryUsage()
        process.send!({ startCpu: (user + system) / 1000, heap: heapUsed, resident: rss } satisfies Usage)
      })}
  })
}

// Observing collections costs something: it begins when first asked for, and ends when asked again, with their milliseconds.
let observer: PerformanceObserver | undefined
let collecting = 0

const toggleCollections = (): number => {
  const sum = (entries: ReadonlyArray<{ readonly duration: number }>) => {
    for (const { duration } of entries) collecting += duration
  }
  if (observer === undefined) {
    collecting = 0
    observer = new PerformanceObserver((list) => sum(list.getEntries()))
    observer.observe({ entryTypes: ["gc"] })
  } else {
    sum(observer.takeRecords())
    observer.disconnect()
    observer = undefined
  }
  return collecting
}

// What one collection frees may hold what the next one frees.
const collect = (times: number, then: () => void): void => {
  if (times === 0) return then()
  globalThis.gc!()
  setImmediate(collect, times - 1, then)
}
