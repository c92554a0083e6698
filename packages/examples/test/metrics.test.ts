import { describe, expect, it, onTestFinished } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import * as Http from "node:http"
import type * as Net from "node:net"
import { join } from "node:path"
import { connect, converse, once, run, start, stop } from "./program.ts"
import { workspace } from "./snippets.ts"

/** Starts the program on free ports. */
const watched = async (flags = "") => {
  const program = start(`metrics --port 0 --metrics-port 0${flags}`)
  const [, port] = await program.says(/^Server listening on .*:(\d+)$/m)
  const [, url] = await program.says(/^Metrics on (.*)$/m)
  return { ...program, port: Number(port), url: url! }
}

/** The value of a series, by its name and what its labels hold. */
const valueOf = (metrics: string, name: string, label: string): number | undefined => {
  const line = metrics.split("\n").find((line) => line.startsWith(`${name}{`) && line.includes(label))
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ")))
}

/** An OTLP collector: waits for spans, and gives them. */
const collector = async () => {
  let received: (spans: ReadonlyArray<Span>) => void
  const spans = new Promise<ReadonlyArray<Span>>((resolve) => {
    received = resolve
  })
  const server = Http.createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      response.setHeader("content-type", "application/json").end("{}")
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as Export
      received(resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void server.close())
  return { spans, url: `http://127.0.0.1:${(server.address() as Net.AddressInfo).port}/v1/traces` }
}

interface Span {
  readonly name: string
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue: string } }>
}

interface Export {
  readonly resourceSpans: ReadonlyArray<{
    readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<Span> }>
  }>
}

describe("metrics", () => {
  it("ends in a moment, whatever becomes of a request that was begun", async () => {
    const server = await watched()
    const half = await connect({ port: Number(new URL(server.url).port) })
    half.on("error", () => {})
    half.write("GET /metrics HTTP/1.1\r\nHost:")
    const asked = await fetch(server.url)
    expect(asked.status).toBe(200)
    await asked.text()
    const begun = performance.now()
    expect((await stop(server)).code).toBe(0)
    expect(performance.now() - begun).toBeLessThan(20_000)
    half.destroy()
  })

  it("serves metrics on loopback, wherever the server listens", async () => {
    const server = await watched(" --host 0.0.0.0")
    expect(new URL(server.url).hostname).toBe("127.0.0.1")
    await stop(server)
  })

  it("serves what Prometheus reads, while connections come and go", async () => {
    const server = await watched(" --max-connections 2")
    expect(await converse({ port: server.port }, "12345")).toBe("12345")
    const open = await connect({ port: server.port })
    open.write("1234567")
    await once(open, "data")
    const response = await fetch(server.url)
    expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4")
    const metrics = await response.text()
    const address = `address="127.0.0.1:${server.port}"`
    expect(valueOf(metrics, "sluice_connections_open", address)).toBe(1)
    expect(valueOf(metrics, "sluice_connections_accepted", address)).toBe(2)
    expect(valueOf(metrics, "sluice_bytes_in", address)).toBe(12)
    expect(valueOf(metrics, "sluice_bytes_out", address)).toBe(12)
    expect(valueOf(metrics, "sluice_connections_refused", `${address},reason="deny"`)).toBe(0)
    expect(metrics).toContain("# TYPE sluice_connection_duration histogram")
    expect((await fetch(new URL("/elsewhere", server.url))).status).toBe(404)
    open.end()
    expect((await stop(server)).code).toBe(0)
  })

  it("sends a span of each connection to a collector", async () => {
    const { spans, url } = await collector()
    const server = await watched(` --otlp ${url}`)
    const socket = await connect({ port: server.port })
    const peer = `127.0.0.1:${socket.localPort}`
    socket.end("hello")
    await once(socket.resume(), "end")
    const [span] = await spans
    expect(span!.name).toBe("Server.connection")
    expect(Object.fromEntries(span!.attributes.map(({ key, value }) => [key, value.stringValue]))).toEqual({
      "network.local.address": `127.0.0.1:${server.port}`,
      "network.peer.address": peer
    })
    expect(await stop(server)).toMatchObject({ code: 0 })
  })

  it("says in one line that the port of the metrics is taken", async () => {
    const server = await watched()
    const second = await run(`metrics --port 0 --metrics-port ${new URL(server.url).port}`)
    expect(second.code).toBe(1)
    expect(second.stderr).toMatch(/^cannot serve metrics: .*EADDRINUSE.*\n$/)
  })

  it("are all in the list of the guide", () => {
    const defined = globSync("packages/{core,client}/src/**/*.ts", { cwd: workspace }).flatMap((file) =>
      Array.from(
        readFileSync(join(workspace, file), "utf8").matchAll(/Metric\.(counter|gauge|histogram)\("(sluice_\w+)"/g),
        ([, type, name]) => `${name} ${type}`
      )
    )
    const listed = Array.from(
      readFileSync(join(workspace, "docs/operating.md"), "utf8").matchAll(/^- `(sluice_\w+)` \((\w+)\): /gm),
      ([, name, type]) => `${name} ${type}`
    )
    expect(defined.length).toBeGreaterThan(10)
    expect(listed.toSorted()).toEqual(defined.toSorted())
  })
})
