/** The exit codes of programs that a signal ends: 128 and its number, as in a shell. */
const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

type Signal = keyof typeof codes

/** Follows signals until it is stopped: `received` is the exit code of the first one. The second one exits at once. */
export const followSignals = (): { readonly received: () => number | undefined; readonly stop: () => void } => {
  let received: number | undefined
  let isForwarding = false
  const onSignal = (signal: Signal) => {
    // SIGHUP comes when a terminal is closed, and counts as SIGTERM then. It is not for us if the program listens for it.
    if (isForwarding || (signal === "SIGHUP" && process.listenerCount(signal) > 1)) return
    if (received !== undefined) process.exit(codes[signal])
    received = codes[signal]
    if (signal !== "SIGHUP") return
    isForwarding = true
    process.emit("SIGTERM", "SIGTERM")
    isForwarding = false
  }
  const signals = Object.keys(codes) as Array<Signal>
  for (const signal of signals) process.on(signal, onSignal)
  return {
    received: () => received,
    stop: () => {
      for (const signal of signals) process.off(signal, onSignal)
    }
  }
}
