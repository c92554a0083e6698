/** The client as people use it: on a terminal, and in scripts. */
import { describe, expect, it } from "@effect/vitest"
import { freePort } from "../../../node/test/fixtures/freePort.ts"
import { run, serve, start, stop } from "../program.ts"
import { hasTmux, onTerminal } from "./tmux.ts"

describe("chat client, in a script", () => {
  it("sends its input, prints what comes, and ends when all was answered", async () => {
    // A server that does not run for a while may take all lines for one burst. The simulation tests that the client waits.
    const { port } = await serve("chat server --burst 50 --refill 10ms")
    const lines = Array.from({ length: 40 }, (_, index) => `line ${index}`)
    const { code, stderr, stdout } = await run(`chat client --port ${port} --nick alice --room den`, {
      input: [...lines, "/me waves", "/nonsense"].join("\n")
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout.split("\n").slice(1)).toEqual([
      "-- you are now called alice",
      "-- in den: alice",
      ...lines.map((line) => `<alice> ${line}`),
      "* alice waves",
      "!! there is no command /nonsense: /help lists them",
      ""
    ])
  })

  it("says so when nobody is there", async () => {
    const { code, stderr, stdout } = await run("chat client --port 1", { input: "hello\n" })
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toMatch(/^[^\n]*127\.0\.0\.1:1[^\n]*refused[^\n]*\n$/)
  })

  it("says so when the server goes", async () => {
    const server = await serve("chat server")
    const client = start(`chat client --port ${server.port} --nick alice`)
    await client.says(/in lobby: alice/)
    await stop(server, "SIGKILL")
    const { code, stderr } = await client.ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/^[^\n]+\n$/)
  })

  it("refuses a name that is none", async () => {
    const { code, stderr } = await run(["chat", "client", "--nick", "a b"])
    expect(code).toBe(1)
    expect(stderr).toMatch(/--nick: "a b"/)
  })
})

describe.skipIf(!hasTmux)("chat client, on a terminal", () => {
  it("shows what is said above the line that is being typed", async () => {
    const { port } = await serve("chat server")
    const alice = onTerminal(`chat client --port ${port} --nick alice`)
    await alice.until(/in lobby: alice\n(.*\n)* alice in lobby - connected/)
    alice.type("half a 日本 line")
    await alice.until(/^> half a 日本 line$/m)
    const bob = onTerminal(`chat client --port ${port} --nick bob`)
    await bob.until(/in lobby: alice, bob/)
    bob.type("hello al")
    bob.press("Tab")
    bob.press("Enter")
    const screen = await alice.until(/<bob> hello alice/)
    expect(screen.split("\n").slice(-5).map((line) => line.trimEnd())).toEqual([
      expect.stringMatching(/^\d\d:\d\d -- in lobby: alice$/),
      expect.stringMatching(/^\d\d:\d\d -- bob joined$/),
      expect.stringMatching(/^\d\d:\d\d <bob> hello alice$/),
      " alice in lobby, 2 here - connected",
      "> half a 日本 line"
    ])
    alice.press("C-u")
    alice.type("/msg bob psst")
    alice.press("Enter")
    await alice.until(/\[to bob\] psst/)
    await bob.until(/\[from alice\] psst/)
    alice.press("Up", "Up")
    await alice.until(/^> \/msg bob psst$/m)
    alice.press("C-c")
    await alice.until(/^>$/m)
    expect(alice.showsColors()).toContain("\x1b[1m")
  })

  it("refuses lines that come faster than they can be sent, and continues", async () => {
    const { port } = await serve("chat server --refill 1h")
    const alice = onTerminal(`chat client --port ${port} --nick alice`)
    await alice.until(/in lobby: alice\n(.*\n)* alice in lobby - connected/)
    alice.type("a\r".repeat(400))
    await alice.until(/!! not sent: too many lines are waiting/)
    alice.type("/quit\r")
    expect(await alice.until(/ended with \d+\n.*icanon/)).toMatch(/ended with 0\nicanon/)
  })

  it("redraws when the size changes, and on Ctrl-L", async () => {
    const { port } = await serve("chat server")
    const alice = onTerminal(`chat client --port ${port} --nick alice`)
    await alice.until(/connected/)
    alice.type("0123456789".repeat(7))
    await alice.until(/^> (0123456789){7}$/m)
    alice.resize(40)
    await alice.until(/^> …\d{36}$/m)
    alice.resize(100)
    const screen = await alice.until(/^> (0123456789){7}$/m)
    expect(screen.match(/^>/gm)).toHaveLength(1)
    alice.press("C-l")
    await alice.until(/^ alice in lobby - connected *\n> (0123456789){7}$/)
  })

  it("has no colors with NO_COLOR", async () => {
    const { port } = await serve("chat server")
    const alice = onTerminal(`chat client --port ${port} --nick alice`, undefined, { NO_COLOR: "1" })
    alice.type("hello")
    alice.press("Enter")
    await alice.until(/<alice> hello/)
    expect(alice.showsColors()).not.toContain("\x1b[")
  })

  it("survives the server: what was typed stays, and it is back as who and where it was", async () => {
    const server = await serve("chat server", await freePort())
    const alice = onTerminal(`chat client --port ${server.port} --nick alice --room den`)
    await alice.until(/in den: alice/)
    alice.type("still here")
    await alice.until(/^> still here$/m)
    await stop(server, "SIGKILL")
    await alice.until(/reconnecting in \d+ s: .*\n> still here$/)
    const again = start(`chat server --port ${server.port}`)
    await again.says(/listening/)
    await alice.until(/alice in den - connected *\n> still here$/)
    alice.press("Enter")
    expect(await alice.until(/<alice> still here/)).toContain("-- connected to")
  })

  it.each([
    ["Ctrl-D", (press: (key: string) => void) => press("C-d")],
    ["Ctrl-C", (press: (key: string) => void) => press("C-c")],
    ["/quit", (press: (key: string) => void) => ["/", "q", "u", "i", "t", "Enter"].forEach(press)]
  ])("ends with %s, and leaves the terminal as it was", async (_, leave) => {
    const { port } = await serve("chat server")
    const alice = onTerminal(`chat client --port ${port} --nick alice`)
    await alice.until(/alice in lobby - connected/)
    leave((key) => alice.press(key))
    const screen = await alice.until(/ended with 0\nicanon/)
    expect(screen).not.toMatch(/^>/m)
    expect(screen).not.toContain("connected *$")
  })
})

describe("chat pair", () => {
  it("takes turns, until either side ends", async () => {
    const server = await serve("chat pair server")
    const client = start(`chat pair client --port ${server.port}`)
    await client.says(/Connected to .*\nYou: $/)
    client.child.stdin.write("hello\n")
    await server.says(/Client: hello\nYou: $/)
    server.child.stdin.write("h\x1b[31mi\n")
    await client.says(/You: Server: hi\nYou: $/)
    client.child.stdin.end("bye\n")
    await server.says(/Client: bye\nYou: $/)
    server.child.stdin.end()
    expect(await server.ended).toMatchObject({ code: 0, stderr: "" })
    expect(await client.ended).toMatchObject({ code: 0, stderr: "" })
  })

  it("ends at the prompt when the other side goes", async () => {
    const server = await serve("chat pair server")
    const client = start(`chat pair client --port ${server.port}`)
    client.child.stdin.write("hello\n")
    await server.says(/You: $/)
    client.child.stdin.end()
    // It is the server's turn, which says nothing more.
    server.child.stdin.write("and goodbye\n")
    expect(await client.ended).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Server: and goodbye\nYou: \n$/)
    })
    expect(await server.ended).toMatchObject({ code: 0 })
  })
})
