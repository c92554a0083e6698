/** A terminal to record: tmux, with a server of its own. */
import { execFileSync } from "node:child_process"

/** What a terminal shows: a text with SGR sequences for each row, and where the cursor is. */
export interface Screen {
  readonly rows: ReadonlyArray<string>
  readonly cursor: { readonly column: number; readonly row: number }
}

export interface Terminal {
  readonly type: (text: string) => void
  readonly press: (key: string) => void
  readonly screen: () => Screen
  readonly end: () => void
}

/** Runs a command on a terminal of this size. */
export const open = (name: string, columns: number, rows: number, command: string): Terminal => {
  const tmux = (...args: ReadonlyArray<string>) =>
    execFileSync("tmux", ["-L", `record-${process.pid}-${name}`, "-f", "/dev/null", ...args], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C.UTF-8", TZ: "UTC" }
    })
  tmux("new-session", "-d", "-x", String(columns), "-y", String(rows), command)
  return {
    type: (text) => void tmux("send-keys", "-l", text),
    press: (key) => void tmux("send-keys", key),
    screen: () => {
      const [column, row] = tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split(" ").map(Number)
      return {
        rows: tmux("capture-pane", "-p", "-e").split("\n").slice(0, rows),
        cursor: { column: column!, row: row! }
      }
    },
    end: () => void tmux("kill-server")
  }
}
