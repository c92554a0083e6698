/** A terminal for programs that want one, by tmux with a server of its own. */
import { onTestFinished } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { isThere, main, node } from "../program.ts"

export const hasTmux = isThere("tmux", "-V")

let terminals = 0

/** Starts one of the programs on a terminal. */
export const onTerminal = (
  args: string,
  size: { readonly columns: number; readonly rows: number } = { columns: 80, rows: 24 },
  environment: Readonly<Record<string, string>> = {}
) => {
  const socket = `sluice-${process.pid}-${++terminals}`
  const tmux = (...command: ReadonlyArray<string>) =>
    execFileSync("tmux", ["-L", socket, "-f", "/dev/null", ...command], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C.UTF-8" }
    })
  const variables = Object.entries(environment).flatMap(([name, value]) => ["-e", `${name}=${value}`])
  tmux(
    "new-session",
    "-d",
    "-x",
    String(size.columns),
    "-y",
    String(size.rows),
    ...variables,
    // The shell is there to tell what the program left of the terminal.
    `${node} ${main} ${args}; echo "ended with $?"; stty -a | grep -o -- "-\\?icanon"; exec cat`
  )
  onTestFinished(() => {
    spawnSync("tmux", ["-L", socket, "kill-server"])
  })
  const shows = () => tmux("capture-pane", "-p")
  return {
    type: (text: string) => tmux("send-keys", "-l", text),
    press: (...keys: ReadonlyArray<string>) => tmux("send-keys", ...keys),
    resize: (columns: number) => tmux("resize-window", "-x", String(columns)),
    /** What is on it, with colors. */
    showsColors: () => tmux("capture-pane", "-p", "-e"),
    /** Waits until it shows this, and gives all that it shows, without what is blank at the end. */
    until: async (pattern: RegExp): Promise<string> => {
      for (const end = Date.now() + 120_000; Date.now() < end;) {
        const screen = shows().trimEnd()
        if (pattern.test(screen)) return screen
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      throw new Error(`it does not show ${pattern}:\n${shows()}`)
    }
  }
}
