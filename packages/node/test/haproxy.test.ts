import { describe, expect, layer } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as Fs from "node:fs"
import * as NodeTls from "node:tls"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"
import * as Haproxy from "./fixtures/haproxy.ts"

if (Haproxy.missing !== undefined) console.log(`The tests with HAProxy are left out: ${Haproxy.missing}`)

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** A server behind HAProxy. */
const behind = Effect.fnUntraced(function*(server: string, options: {
  readonly bind?: (folder: string) => string
  readonly frontend?: ReadonlyArray<string>
} = {}) {
  const folder = yield* Haproxy.folder
  const listener = yield* Network.listen("tcp://127.0.0.1:0", { proxyProtocol: { trusted: ["127.0.0.0/8"] } })
  const at = NetAddress.formatSocketAddress(listener.address)
  const port = yield* Haproxy.start({
    folder,
    bind: options.bind?.(folder) ?? "",
    frontend: options.frontend ?? [],
    server: `${at} ${server}`
  })
  return { folder, listener, port }
})

/** The same, of a server that speaks TLS itself. */
const behindTls = Effect.fnUntraced(function*(server: string, bind: (folder: string) => string = () => "") {
  const folder = yield* Haproxy.folder
  const authority = yield* Certificates.authority("Test CA")
  const listener = yield* Network.listen("tls://127.0.0.1:0", {
    tls: { certificates: [yield* authority.issue({ names: ["localhost"] })] },
    proxyProtocol: { trusted: ["127.0.0.1"] }
  })
  const at = NetAddress.formatSocketAddress(listener.address)
  const port = yield* Haproxy.start({ folder, bind: bind(folder), server: `${at} ${server}` })
  return { folder, listener, port, tls: { authorities: authority.certificate, serverName: "localhost" } }
})

/** A megabyte comes back, and the end behind it. */
const echoes = Effect.fnUntraced(function*(server: Connection.Connection, client: Connection.Connection) {
  const sent = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => index * 7 ^ index >> 9)
  const [received] = yield* Effect.all([
    Connection.readAll(client),
    Effect.andThen(Connection.write(client, sent), Connection.end(client)),
    Effect.andThen(Connection.pipeTo(server, server), Connection.end(server))
  ], { concurrency: 3 })
  expect(Buffer.compare(received, sent)).toBe(0)
})

const dial = (port: number) => Network.connect(`tcp://127.0.0.1:${port}`)

/** A client that speaks TLS, as Node does by itself. */
const dialTls = (options: NodeTls.ConnectionOptions) =>
  Effect.acquireRelease(
    Effect.callback<NodeTls.TLSSocket, Error>((resume) => {
      const socket = NodeTls.connect({ host: "127.0.0.1", rejectUnauthorized: false, ...options })
      socket.once("secureConnect", () => resume(Effect.succeed(socket)))
      socket.once("error", (error) => resume(Effect.fail(error)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

layer(NodeNetwork.layer, { excludeTestServices: true })("behind HAProxy", (it) => {
  const versions = { "send-proxy": 1, "send-proxy-v2": 2, "send-proxy-v2 proxy-v2-options crc32c": 2 } as const

  describe.skipIf(Haproxy.missing !== undefined)("a connection", () => {
    for (const [option, version] of Object.entries(versions)) {
      it.effect(`has the client's addresses: ${option}`, () =>
        Effect.gen(function*() {
          const { listener, port } = yield* behind(option)
          const client = yield* dial(port)
          yield* Connection.writeText(client, "hello")
          yield* Connection.end(client)
          const connection = yield* Listener.accept(listener)
          expect(connection.proxy?.header).toMatchObject({
            version,
            command: "PROXY",
            family: "INET",
            protocol: "STREAM"
          })
          expect(connection.remoteAddress).toEqual(client.localAddress)
          expect(connection.localAddress).toEqual(client.remoteAddress)
          expect(connection.proxy?.localAddress).toEqual(listener.address)
          expect(connection.proxy?.remoteAddress).not.toEqual(client.localAddress)
          expect(connection.proxy?.header.tlvs).toEqual(option.includes("crc32c") ? [{ _tag: "Crc32c" }] : [])
          yield* Connection.pipeTo(connection, connection)
          yield* Connection.end(connection)
          expect(text(yield* Connection.readAll(client))).toBe("hello")
        }))
    }

    it.effect("carries what HAProxy says of the client's TLS session", () =>
      Effect.gen(function*() {
        const options = "ssl,cert-cn,ssl-cipher,cert-key,cert-sig,crc32c,authority,unique-id"
        const { folder, listener, port } = yield* behind(`send-proxy-v2 proxy-v2-options ${options}`, {
          bind: (folder) => {
            const client = Haproxy.certificate(folder, "client.test")
            return `ssl crt ${Haproxy.certificate(folder, "server.test")} ca-file ${client} verify optional alpn h2`
          },
          frontend: ["unique-id-format id-%pid"]
        })
        const pem = Fs.readFileSync(`${folder}/client.test.pem`)
        yield* dialTls({ port, servername: "server.test", ALPNProtocols: ["h2"], cert: pem, key: pem })
        const { proxy } = yield* Listener.accept(listener)
        const header = proxy!.header
        expect(ProxyProtocol.tlv(header, "Authority")?.name).toBe("server.test")
        expect(ProxyProtocol.tlv(header, "Alpn")?.protocol).toBe("h2")
        expect(text(ProxyProtocol.tlv(header, "UniqueId")!.value)).toMatch(/^id-\d+$/)
        expect(ProxyProtocol.tlv(header, "Crc32c")).toBeDefined()
        expect(ProxyProtocol.tlv(header, "Ssl")).toEqual({
          _tag: "Ssl",
          ssl: true,
          certificateOnConnection: true,
          certificateInSession: true,
          verify: 0,
          version: "TLSv1.3",
          commonName: "client.test",
          cipher: expect.stringMatching(/^TLS_/),
          signatureAlgorithm: "RSA-SHA256",
          keyAlgorithm: "RSA2048",
          others: []
        })
      }))

    it.effect("of HAProxy's own keeps the addresses of the socket: it checks that the server is well", () =>
      Effect.gen(function*() {
        const { listener } = yield* behind("send-proxy-v2 check check-send-proxy inter 100ms")
        const connection = yield* Listener.accept(listener)
        expect(connection.proxy?.header).toEqual(ProxyProtocol.local)
        expect(connection.localAddress).toEqual(listener.address)
        expect(connection.remoteAddress).toEqual(connection.proxy?.remoteAddress)
      }))

    it.effect("is one that HAProxy, too, reads our headers of", () =>
      Effect.gen(function*() {
        const { listener, port } = yield* behind("send-proxy", { bind: () => "accept-proxy" })
        const source = NetAddress.inetAddressFromIpStringUnsafe("2001:db8::7", 50412)
        const destination = NetAddress.inetAddressFromIpStringUnsafe("2001:db8::1", 443)
        for (const version of [1, 2] as const) {
          const tlvs: ReadonlyArray<ProxyProtocol.Tlv> = version === 1 ? [] : [{ _tag: "Crc32c" }]
          const proxyProtocol = ProxyProtocol.make({ source, destination }, { version, tlvs })
          const client = yield* Network.connect(`tcp://127.0.0.1:${port}`, { proxyProtocol })
          yield* Connection.writeText(client, "hello")
          const connection = yield* Listener.accept(listener)
          expect(Endpoint.format(Endpoint.fromAddress(connection.remoteAddress))).toBe("tcp://[2001:db8::7]:50412")
          expect(connection.localAddress).toEqual(destination)
          expect(text(yield* Connection.readExactly(connection, 5))).toBe("hello")
        }
      }))

    it.effect("over TLS, which HAProxy passes on: the header comes first, in the clear", () =>
      Effect.gen(function*() {
        for (const [option, version] of Object.entries(versions)) {
          const { listener, port, tls } = yield* behindTls(option)
          const accepting = yield* Effect.forkChild(Listener.accept(listener))
          const client = yield* Network.connect(`tls://127.0.0.1:${port}`, { tls })
          const connection = yield* Fiber.join(accepting)
          expect(connection.remoteAddress).toEqual(client.localAddress)
          expect(connection.proxy?.header.version).toBe(version)
          expect(connection.tls?.serverName).toBe("localhost")
          yield* echoes(connection, client)
        }
      }))

    it.effect("over TLS to HAProxy and on: send-proxy-v2-ssl", () =>
      Effect.gen(function*() {
        const { folder, listener, port } = yield* behindTls("ssl verify none send-proxy-v2-ssl", (folder) =>
          `ssl crt ${Haproxy.certificate(folder, "proxy.test")}`)
        const accepting = yield* Effect.forkChild(Listener.accept(listener))
        const client = yield* Network.connect(`tls://127.0.0.1:${port}`, {
          tls: { authorities: Fs.readFileSync(`${folder}/proxy.test.crt`, "utf8"), serverName: "proxy.test" }
        })
        yield* Connection.writeText(client, "h")
        const connection = yield* Fiber.join(accepting)
        expect(connection.remoteAddress).toEqual(client.localAddress)
        expect(ProxyProtocol.tlv(connection.proxy!.header, "Ssl")).toMatchObject({
          ssl: true,
          certificateOnConnection: false,
          version: client.tls?.protocol
        })
        expect(connection.tls?.protocol).toBe("TLSv1.3")
        yield* Connection.readExactly(connection, 1)
        yield* echoes(connection, client)
      }))
  })
})
