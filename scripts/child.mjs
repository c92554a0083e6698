import { spawn } from "node:child_process"
import { isatty } from "node:tty"

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"]

/**
 * Runs a program to its end, passing on the signals that this process gets, and resolves to `{ code, signal, output }`.
 * `output` is what the program wrote to those of its streams that `stdio` calls "pipe".
 */
export const run = (command, args, options) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, options)
    let output = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        output += text
      })
    }
    const forward = (signal) => {
      // The terminal sends Ctrl-C to every process in the foreground: a second one could mean "at once" to the program.
      if (signal !== "SIGINT" || !hasTerminal()) child.kill(signal)
    }
    const stopForwarding = () => {
      for (const signal of forwarded) process.removeListener(signal, forward)
    }
    for (const signal of forwarded) process.on(signal, forward)
    child.on("error", (error) => {
      stopForwarding()
      reject(error)
    })
    child.on("close", (code, signal) => {
      stopForwarding()
      resolve({ code, signal, output })
    })
  })

/** Ends this process as the program ended: with its exit code, or by the signal that it died of. */
export const endAs = ({ code, signal }) => {
  if (signal === null) process.exit(code)
  process.kill(process.pid, signal)
}

// Not `process.stdin.isTTY`: to open a stream on a pipe would make the pipe non-blocking for the program as well.
const hasTerminal = () => isatty(0) || isatty(1) || isatty(2)
