// Records a chat of two, through a restart of the server, as docs/chat.svg: `npm run record`. It needs tmux.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout } from "node:timers/promises"
import { draw, type Frame } from "./svg.ts"
import { open, type Screen, type Terminal } from "./terminal.ts"

const root = resolve(import.meta.dirname, "../..")
const node = process.execPath
const main = join(root, "packages/examples/src/main.ts")
const folder = mkdtempSync(join(tmpdir(), "sluice-record-"))
const port = "12350"
const size = { columns: 60, rows: 14 }

const serve = async () => {
  const child = spawn(node, [main, "chat", "server", "--port", port, "--data", folder], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  await once(child.stdout, "data")
  return child
}

const client = (name: string) =>
  open(name, size.columns, size.rows, `${node} ${main} chat client --port ${port} --nick ${name}`)

let server = await serve()
const terminals: Array<Terminal> = []

// When it was recorded is of no interest.
const neutral = (screen: Screen): Screen => ({
  ...screen,
  rows: screen.rows.map((row) => row.replace(/(^|m)\d\d:\d\d\b/, "$109:41").trimEnd())
})

const shots: Array<{ readonly screens: ReadonlyArray<Screen>; readonly pause: number }> = []

/** Takes a picture, which stays for that many milliseconds; a program that was told something gets time to do it. */
const shoot = async (pause: number, settle = 60) => {
  await setTimeout(settle)
  shots.push({ screens: terminals.map((terminal) => neutral(terminal.screen())), pause })
}

/** Waits until all of them show this. */
const until = async (pattern: RegExp, among = terminals) => {
  while (!among.every((terminal) => pattern.test(terminal.screen().rows.join("\n")))) await setTimeout(30)
}

const type = async (terminal: Terminal, text: string) => {
  for (const character of text) {
    terminal.type(character)
    await shoot(55, 25)
  }
}

const say = async (terminal: Terminal, text: string) => {
  await type(terminal, text)
  terminal.press("Enter")
  await shoot(900, 250)
}

const alice = client("alice")
terminals.push(alice)
await until(/connected/)
const bob = client("bob")
terminals.push(bob)
await until(/2 here - connected/)
await shoot(1200)
await say(alice, "hello bob")
await type(bob, "al")
bob.press("Tab")
await shoot(400)
await say(bob, "hi! is this thing safe?")
await say(alice, "watch: I kill the server")
await type(bob, "wait, I was ty")
server.kill("SIGKILL")
await until(/reconnecting/)
await shoot(1000)
await type(bob, "ping")
await shoot(800)
server = await serve()
await until(/ connected/)
await shoot(900)
bob.press("Enter")
await shoot(1300, 250)
await say(alice, "/msg bob psst, nothing was lost")
await say(bob, "/me is impressed")
await shoot(3000)

for (const terminal of terminals) terminal.end()
server.kill("SIGTERM")
await once(server, "exit")
rmSync(folder, { recursive: true })

let at = 0
const frames: Array<Frame> = []
for (const { pause, screens } of shots) {
  frames.push({ at, screens })
  at += pause
}
const svg = draw(frames, { titles: ["alice", "bob"], ...size, length: at })
const target = join(root, "docs/chat.svg")
writeFileSync(target, svg)
process.stdout.write(`${target}: ${Math.round(svg.length / 1024)} KiB, ${frames.length} pictures, ${at / 1000} s\n`)
