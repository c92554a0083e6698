import { describe, expect, it } from "@effect/vitest"
import { freePort } from "../../node/test/fixtures/freePort.ts"
import { node, run, serve, source, spawn } from "./program.ts"

/** Runs a program that must fail: it says why in one line on standard error, and nothing else. */
const failure = async (args: string, environment: NodeJS.ProcessEnv = {}): Promise<string> => {
  const { code, stderr, stdout } = await run(args, { environment })
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
  expect(stderr).toMatch(/^[^\n]+\n$/)
  return stderr
}

describe("failures", () => {
  it("names the port that is in use", async () => {
    const { port } = await serve("echo server")
    expect(await failure(`echo server --port ${port}`)).toMatch(
      new RegExp(`127\\.0\\.0\\.1:${port}.*in use.*EADDRINUSE`)
    )
    expect(await failure(`hello server --port ${port}`)).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*in use`))
    expect(await failure(`demo --hello-port 0 --udp-port 0 --chat-port 0 --echo-port ${port}`)).toMatch(
      new RegExp(`127\\.0\\.0\\.1:${port}.*in use`)
    )
  })

  it("names the port that is in use by another UDP server", async () => {
    const { port } = await serve("udp echo")
    expect(await failure(`udp server --port ${port}`)).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*in use`))
  })

  it("says where a connection was refused", async () => {
    const port = await freePort()
    expect(await failure(`hello client --port ${port}`)).toMatch(
      new RegExp(`127\\.0\\.0\\.1:${port}.*refused.*ECONNREFUSED`)
    )
    expect(await failure(`echo client --port ${port} hello`)).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*refused`))
  })

  it("says which host is unknown", async () => {
    expect(await failure("hello client --host nobody.invalid")).toMatch(/"nobody\.invalid" was not found/)
    expect(await failure("udp client --host nobody.invalid")).toMatch(/"nobody\.invalid" was not found/)
    expect(await failure("echo server --host nobody.invalid --port 0")).toMatch(/"nobody\.invalid" was not found/)
  })

  it("says which path has no socket", async () => {
    expect(await failure("echo client --unix /nowhere/echo.sock hello")).toMatch(/\/nowhere\/echo\.sock/)
  })

  it.each([
    ["echo server --prot 1", /--prot.*--port/],
    ["echo server --port 65536", /--port: "65536".*0 to 65535/],
    ["echo server --port many", /--port: "many"/],
    ["echo server --host 300.1.1.1", /--host: "300\.1\.1\.1"/],
    ["echo server --max-connections 0", /--max-connections: "0"/],
    ["echo server --drain soon", /--drain: "soon".*5s/],
    ["echo server --idle-timeout 5", /--idle-timeout: "5"/],
    ["echo server extra", /"extra"/],
    ["echo sever", /"sever".*server/],
    ["eco server", /"eco".*echo/],
    ["udp server --unix /tmp/a", /--unix/],
    ["raft node --id 1 --members 2=127.0.0.1:7002", /--members lacks node 1/]
  ])("%s", async (args, expected) => {
    expect(await failure(args)).toMatch(expected)
  })

  it("checks the environment as it checks flags", async () => {
    expect(await failure("echo server", { SLUICE_PORT: "many" })).toMatch(/--port: "many".*SLUICE_PORT/)
  })
})

describe("help", () => {
  it("lists what there is", async () => {
    // From source, as users run it: it loads every module of every program.
    const { code, stderr, stdout } = await spawn(node, [source, "--help"]).ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    for (const name of ["hello", "echo", "udp", "chat", "demo"]) expect(stdout).toMatch(new RegExp(`^ +${name} `, "m"))
  })

  it("explains flags and their variables", async () => {
    const { stdout } = await run("echo server --help")
    for (const flag of ["host", "port", "unix", "max-connections", "idle-timeout", "drain"]) {
      expect(stdout).toMatch(new RegExp(`--${flag} .*\\[SLUICE_${flag.toUpperCase().replaceAll("-", "_")}\\]`))
    }
    expect(stdout).toContain("--prefix")
  })

  it("prints completions", async () => {
    const { code, stdout } = await run("--completions bash")
    expect(code).toBe(0)
    expect(stdout).toContain("--max-connections")
  })
})
