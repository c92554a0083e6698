import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import type * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Tls from "@sluice/core/Tls"
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"
import { connect } from "./fixtures/handshake.ts"
import { missing, start } from "./fixtures/programs.ts"

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))
afterAll(() => Fs.rmSync(folder, { recursive: true }))

const made = await Effect.runPromise(Effect.gen(function*() {
  const authority = yield* Certificates.authority("Test CA")
  return {
    authority,
    server: yield* authority.issue({ names: ["localhost", "127.0.0.1"] }),
    other: yield* authority.issue({ names: ["*.other.example"] }),
    client: yield* authority.issue({ commonName: "a client" })
  }
}))
const file = (name: string, text: string) => {
  const path = Path.join(folder, name)
  Fs.writeFileSync(path, text)
  return path
}
const files = {
  authority: file("ca.pem", made.authority.certificate),
  chain: file("server.pem", made.server.chain),
  key: file("server.key", made.server.key),
  clientChain: file("client.pem", made.client.chain),
  clientKey: file("client.key", made.client.key),
  sessions: Path.join(folder, "sessions.pem")
}
const trusting: Tls.ClientOptions = { authorities: made.authority.certificate }

/** A server, and how each of its connections went: what was negotiated, what it said, and how it ended. */
const serve = Effect.fnUntraced(function*(
  options: Partial<Tls.ServerOptions>,
  handler: (connection: Connection.Connection) => Effect.Effect<unknown, unknown>
) {
  const served = yield* Queue.unbounded<{ readonly tls: Tls.Session; readonly exit: string }>()
  const server = yield* Server.make(
    { listen: "tls://127.0.0.1:0", tls: { certificates: [made.server, made.other], ...options } },
    (connection) =>
      Effect.flatMap(Effect.exit(handler(connection)), (exit) =>
        Queue.offer(served, {
          tls: connection.tls!,
          exit: exit._tag === "Success" ? String(exit.value) : exit.cause.toString()
        }))
  )
  return { port: (server.address as NetAddress.InetAddress).port, served: Queue.take(served) }
})

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const onNetwork = <A, E>(effect: Effect.Effect<A, E, Network.Network | Scope.Scope>) =>
  Effect.provide(Effect.scoped(effect), NodeNetwork.layer)

/** Answers each line with itself, in capitals. */
const shout = Effect.fnUntraced(function*(connection: Connection.Connection) {
  let said = ""
  while (true) {
    const line = yield* Effect.option(Connection.readUntil(connection, "\n"))
    if (Option.isNone(line)) break
    said += text(line.value)
    yield* Connection.writeText(connection, text(line.value).toUpperCase())
  }
  // An end, or why there was none.
  yield* Connection.read(connection)
  return said
})

const noOpenssl = missing("openssl", "version")
const noNc = missing("nc", "-h")

describe.skipIf(noOpenssl !== undefined)("openssl s_client", () => {
  const client = (port: number, ...args: ReadonlyArray<string>) => clientFor(port, ["-servername", "localhost"], args)
  const clientFor = (port: number, name: ReadonlyArray<string>, args: ReadonlyArray<string> = []) => {
    const common = ["-connect", `127.0.0.1:${port}`, "-CAfile", files.authority, "-verify_return_error"]
    return start("openssl", ["s_client", ...common, ...name, ...args])
  }

  it.live("speaks TLS 1.2 and 1.3, and sees the name, the protocol and the chain", () =>
    onNetwork(Effect.gen(function*() {
      const { port, served } = yield* serve({ applicationProtocols: ["shout"] }, shout)
      for (const [flag, version] of [["-tls1_2", "TLSv1.2"], ["-tls1_3", "TLSv1.3"]] as const) {
        const { output, process, says } = yield* client(port, flag, "-alpn", "whisper,shout")
        yield* says(/Verify return code: 0 \(ok\)|Verification: OK/)
        process.stdin.write("hello\n")
        yield* says(/HELLO/)
        process.stdin.end()
        const { exit, tls } = yield* served
        expect(tls).toMatchObject({ protocol: version, applicationProtocol: "shout", serverName: "localhost" })
        expect(exit).toBe("hello\n")
        expect(output()).toContain("ALPN protocol: shout")
        expect(output()).toContain("CN = localhost")
      }
    })))

  it.live("shares its port with clear text", () =>
    onNetwork(Effect.gen(function*() {
      const greets = (name: string) => (connection: Connection.Connection) =>
        Effect.andThen(Connection.writeText(connection, `${name}\n`), shout(connection))
      const server = yield* Server.make(
        { listen: "tcp://127.0.0.1:0", upgradeTls: { certificates: [made.server] } },
        Server.sniff({
          protocols: [{
            begins: Tls.isClientHello,
            handler: (connection) =>
              Effect.andThen(Connection.upgradeTls(connection, { role: "server" }), greets("secure")(connection))
          }],
          otherwise: greets("clear")
        })
      )
      const { port } = server.address as NetAddress.InetAddress
      for (const version of ["-tls1_2", "-tls1_3"]) {
        const secure = yield* client(port, version)
        yield* secure.says(/secure/)
        secure.process.stdin.write("over tls\n")
        yield* secure.says(/OVER TLS/)
      }
      if (noNc !== undefined) return
      const clear = yield* start("nc", ["-N", "127.0.0.1", String(port)], "in the clear\n")
      yield* clear.ended
      expect(clear.output()).toBe("clear\nIN THE CLEAR\n")
    })))

  it.live("gets the certificate for the name it asks for", () =>
    onNetwork(Effect.gen(function*() {
      const { port } = yield* serve({}, shout)
      const other = yield* clientFor(port, ["-servername", "a.other.example"])
      yield* other.says(/CN = \*\.other\.example/)
      const unnamed = yield* clientFor(port, ["-noservername"])
      yield* unnamed.says(/CN = localhost/)
    })))

  it.live("shows a certificate, or is rejected", () =>
    onNetwork(Effect.gen(function*() {
      const { port, served } = yield* serve(
        { clientCertificates: "required", authorities: made.authority.certificate },
        shout
      )
      const good = yield* client(port, "-cert", files.clientChain, "-key", files.clientKey)
      yield* good.says(/Test CA/)
      good.process.stdin.write("who am I\n")
      yield* good.says(/WHO AM I/)
      good.process.stdin.end()
      expect((yield* served).tls).toMatchObject({
        verified: true,
        peerCertificate: { subject: [{ type: "CN", value: "a client" }] }
      })
      const bad = yield* client(port)
      yield* bad.says(/alert certificate required/)
    })))

  it.live("resumes its sessions", () =>
    onNetwork(Effect.gen(function*() {
      const { port, served } = yield* serve({}, shout)
      for (const flag of ["-tls1_2", "-tls1_3"]) {
        const first = yield* client(port, flag, "-sess_out", files.sessions)
        first.process.stdin.write("first\n")
        yield* first.says(/FIRST/)
        first.process.stdin.end("Q\n")
        yield* first.ended
        expect((yield* served).tls.resumed).toBe(false)
        const second = yield* client(port, flag, "-sess_in", files.sessions)
        yield* second.says(/Reused, TLSv1/)
        second.process.stdin.end("second\n")
        expect((yield* served).tls.resumed).toBe(true)
      }
    })))

  it.live("is refused a version that is too old, with the right alert", () =>
    onNetwork(Effect.gen(function*() {
      const { port } = yield* serve({ minimumVersion: "TLSv1.3" }, shout)
      const { says } = yield* client(port, "-tls1_2")
      yield* says(/alert protocol version/)
    })))

  it.live("begins in the clear (-starttls smtp)", () =>
    onNetwork(Effect.gen(function*() {
      const tls: Tls.ServerOptions = { certificates: [made.server] }
      const server = yield* Server.make({ listen: "tcp://127.0.0.1:0" }, (connection) =>
        Effect.gen(function*() {
          yield* Connection.writeText(connection, "220 localhost ESMTP\r\n")
          yield* Connection.readUntil(connection, "\r\n")
          yield* Connection.writeText(connection, "250-localhost\r\n250 STARTTLS\r\n")
          yield* Connection.readUntil(connection, "\r\n")
          yield* Connection.writeText(connection, "220 go ahead\r\n")
          yield* Connection.upgradeTls(connection, { role: "server", tls })
          yield* shout(connection)
        }))
      const { port } = server.address as NetAddress.InetAddress
      const { process, says } = yield* client(port, "-starttls", "smtp")
      yield* says(/Verify return code: 0/)
      process.stdin.write("hello\n")
      yield* says(/HELLO/)
    })))
})

describe.skipIf(noOpenssl !== undefined)("openssl s_server", () => {
  // `-rev` answers each line reversed.
  const server = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
    const common = ["-accept", "127.0.0.1:0", "-cert", files.chain, "-key", files.key, "-rev"]
    const running = yield* start("openssl", ["s_server", ...common, ...args])
    const [, port] = yield* running.says(/ACCEPT \S*:(\d+)/)
    return { ...running, port: Number(port) }
  })

  const ask = Effect.fnUntraced(function*(connection: Connection.Connection) {
    yield* Connection.writeText(connection, "stressed\n")
    expect(text(yield* Connection.readUntil(connection, "\n"))).toBe("desserts\n")
  })

  it.live("speaks TLS 1.2 and 1.3 and its protocol with a client here, and resumes sessions", () =>
    onNetwork(Effect.gen(function*() {
      for (const [flag, version] of [["-tls1_2", "TLSv1.2"], ["-tls1_3", "TLSv1.3"]] as const) {
        const { port } = yield* server(flag, "-alpn", "reverse")
        const tls = { ...trusting, applicationProtocols: ["reverse"] }
        for (const resumed of [false, true]) {
          yield* Effect.scoped(Effect.gen(function*() {
            const connection = yield* connect(port, tls)
            expect(connection.tls).toMatchObject({
              protocol: version,
              applicationProtocol: "reverse",
              resumed,
              verified: true
            })
            yield* ask(connection)
          }))
        }
      }
    })))

  it.live("wants a certificate", () =>
    onNetwork(Effect.gen(function*() {
      const { port, says } = yield* server("-Verify", "2", "-CAfile", files.authority, "-verify_return_error")
      const showing = connect(port, { ...trusting, certificate: made.client })
      yield* Effect.scoped(Effect.flatMap(showing, ask))
      yield* says(/CN = a client/)
      const without = yield* connect(port, trusting)
      const error = yield* Effect.flip(Connection.read(without))
      expect(error.reason).toMatchObject({ _tag: "PeerAlert", alert: "certificate_required" })
    })))
})

describe.skipIf(missing("curl", "--version") !== undefined)("curl", () => {
  const page = (connection: Connection.Connection) =>
    Effect.andThen(
      Connection.readUntil(connection, "\r\n\r\n"),
      Connection.writeText(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello, curl\n")
    )
  const curl = (port: number, ...args: ReadonlyArray<string>) =>
    start("curl", ["-sS", "--noproxy", "*", ...args, `https://localhost:${port}/`])

  it.live("gets a page that ends with close_notify, and shows its certificate", () =>
    onNetwork(Effect.gen(function*() {
      const { port, served } = yield* serve(
        {
          applicationProtocols: ["http/1.1"],
          clientCertificates: "wanted",
          authorities: made.authority.certificate
        },
        page
      )
      const shown = ["--cert", files.clientChain, "--key", files.clientKey]
      const { ended, output } = yield* curl(port, "--cacert", files.authority, ...shown)
      expect(yield* ended).toBe(0)
      expect(output()).toBe("hello, curl\n")
      expect((yield* served).tls).toMatchObject({
        applicationProtocol: "http/1.1",
        serverName: "localhost",
        verified: true,
        peerCertificate: { subject: [{ type: "CN", value: "a client" }] }
      })
    })))

  it.live("does not trust an authority that it does not know", () =>
    onNetwork(Effect.gen(function*() {
      const { port } = yield* serve({}, page)
      const { ended } = yield* curl(port)
      // CURLE_PEER_FAILED_VERIFICATION
      expect(yield* ended).toBe(60)
    })))
})

describe.skipIf(missing("python3", "-c", "import ssl") !== undefined)("python's ssl", () => {
  const python = (script: string, ...args: ReadonlyArray<string>) => start("python3", ["-c", script, ...args])

  const client = `
import socket, ssl, sys
port, authority, how = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=authority)
context.set_alpn_protocols(["shout"])
with socket.create_connection(("127.0.0.1", port)) as tcp:
    tls = context.wrap_socket(tcp, server_hostname="localhost", suppress_ragged_eofs=False)
    print(tls.version(), tls.selected_alpn_protocol())
    tls.sendall(b"x" * 100000 + b"\\n")
    got = b""
    while not got.endswith(b"\\n"):
        got += tls.recv(65536)
    print(len(got), set(got[:-1]))
    if how == "end":
        tls.unwrap()
        print("ended in order")
    else:
        tcp = tls.detach()
        socket.socket(fileno=tcp).shutdown(socket.SHUT_WR)
`

  it.live("exchanges a long line, and ends in order or not", () =>
    onNetwork(Effect.gen(function*() {
      const { port, served } = yield* serve({ applicationProtocols: ["shout"] }, (connection) =>
        Effect.gen(function*() {
          const line = yield* Connection.readUntil(connection, "\n", { limit: 1_000_000 })
          yield* Connection.writeText(connection, text(line).toUpperCase())
          return Option.isNone(yield* Connection.read(connection)) ? "an end" : "more"
        }))
      const good = yield* python(client, String(port), files.authority, "end")
      expect(yield* good.ended).toBe(0)
      expect(good.output()).toBe("TLSv1.3 shout\n100001 {88}\nended in order\n")
      expect((yield* served).exit).toBe("an end")
      const bad = yield* python(client, String(port), files.authority, "cut")
      expect(yield* bad.ended).toBe(0)
      expect((yield* served).exit).toContain("the peer closed the connection without close_notify")
    })))

  const server = `
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.set_alpn_protocols(["shout"])
with socket.create_server(("127.0.0.1", 0)) as listener:
    print("listening", listener.getsockname()[1], flush=True)
    for how in ["end", "cut"]:
        tcp, _ = listener.accept()
        tls = context.wrap_socket(tcp, server_side=True, suppress_ragged_eofs=False)
        got = b""
        try:
            while True:
                chunk = tls.recv(65536)
                if not chunk: break
                got += chunk
        except ssl.SSLEOFError:
            print("cut off", flush=True)
        # What came after the peer's end is an answer to it.
        tls.sendall(got.upper())
        if how == "end":
            try: tls.unwrap()
            except OSError as error: print(error, flush=True)
        else: tcp = socket.socket(fileno=tls.detach()); tcp.shutdown(socket.SHUT_WR)
        print("served", len(got), flush=True)
`

  it.live("answers after this side has ended, and ends in order or not", () =>
    onNetwork(Effect.gen(function*() {
      const { says } = yield* python(server, files.chain, files.key)
      const [, port] = yield* says(/listening (\d+)/)
      for (const how of ["end", "cut"]) {
        const connection = yield* connect(Number(port), { ...trusting, applicationProtocols: ["shout"] })
        expect(connection.tls!.applicationProtocol).toBe("shout")
        yield* Connection.writeText(connection, "x".repeat(100_000))
        yield* Connection.end(connection)
        const answer = yield* Connection.readExactly(connection, 100_000)
        expect(text(answer)).toBe("X".repeat(100_000))
        const rest = Connection.read(connection)
        if (how === "end") expect(yield* rest).toEqual(Option.none())
        else expect((yield* Effect.flip(rest)).reason._tag).toBe("Truncated")
        yield* says(/served 100000/)
      }
    })))
})
