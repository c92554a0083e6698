/** What every network's upgrade to TLS does, whatever its certificates are. */
import { expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import type * as Tls from "@sluice/core/Tls"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as NetAddress from "effect/net/NetAddress"

/** A network with two ends of a connection in the clear, and how each of them continues. */
export interface Subject<R> {
  readonly pair: Effect.Effect<
    { readonly client: Connection.Connection; readonly server: Connection.Connection },
    NetworkError.NetworkError,
    R
  >
  readonly asClient: Connection.UpgradeOptions
  readonly asServer: Connection.UpgradeOptions
  /** The name of the server, which its certificate is for. */
  readonly serverName: string
}

export const line = (connection: Connection.Connection) =>
  Effect.map(Connection.readUntil(connection, "\n"), (bytes) => new TextDecoder().decode(bytes))

/** Both sides agree to continue over TLS, and do. */
export const upgrade = Effect.fnUntraced(function*<R>({ asClient, asServer, pair }: Subject<R>) {
  const { client, server } = yield* pair
  const serving = yield* Effect.forkScoped(Effect.gen(function*() {
    yield* line(server)
    yield* Connection.writeText(server, "220 go ahead\n")
    return yield* Connection.upgradeTls(server, asServer)
  }))
  yield* Connection.writeText(client, "STARTTLS\n")
  yield* line(client)
  const session = yield* Connection.upgradeTls(client, asClient)
  yield* Fiber.join(serving)
  return { client, server, session }
})

/** Continues with the same connection, protected. */
export const goesOn = Effect.fnUntraced(function*<R>(subject: Subject<R>) {
  const { client, server, session } = yield* upgrade(subject)
  const { serverName } = subject
  expect(session).toMatchObject({ protocol: "TLSv1.3", verified: true, serverName })
  expect(client.tls).toBe(session)
  expect(server.tls).toMatchObject({ serverName })
  const bytes = new Uint8Array(300_000).map((_, index) => index % 251)
  const [, got] = yield* Effect.all([
    Effect.andThen(Connection.write(client, bytes), Connection.end(client)),
    Connection.readAll(server)
  ], { concurrency: 2 })
  expect(Buffer.compare(got, bytes)).toBe(0)
  yield* Connection.writeText(server, "answer\n")
  yield* Connection.end(server)
  expect(yield* line(client)).toBe("answer\n")
  expect((yield* Connection.closed(client))._tag).toBe("Ended")
  expect((yield* Connection.closed(server))._tag).toBe("Ended")
})

/** Lets what is written meanwhile wait until it is protected. */
export const letsWait = Effect.fnUntraced(function*<R>({ asClient, asServer, pair }: Subject<R>) {
  const { client, server } = yield* pair
  const upgrading = yield* Effect.forkScoped(Connection.upgradeTls(client, asClient), { startImmediately: true })
  const writing = yield* Effect.forkScoped(Connection.writeText(client, "secret\n"), { startImmediately: true })
  const reading = yield* Effect.forkScoped(line(client), { startImmediately: true })
  yield* Connection.upgradeTls(server, asServer)
  yield* Fiber.join(upgrading)
  yield* Fiber.join(writing)
  expect(yield* line(server)).toBe("secret\n")
  yield* Connection.writeText(server, "answer\n")
  expect(yield* Fiber.join(reading)).toBe("answer\n")
})

/** What a server shows to connections that are upgraded is checked before it listens, and is the default of the upgrade. */
export const isCheckedAtStart = Effect.fnUntraced(function*(subject: {
  readonly listen: string
  readonly connect: (port: number) => string
  readonly good: Tls.Certificate
  readonly mismatched: Tls.Certificate
  readonly asClient: Connection.UpgradeOptions
}) {
  const { asClient, connect, good, listen, mismatched } = subject
  const failed = (options: SocketOptions.ListenOptions) =>
    Effect.map(Effect.flip(Effect.scoped(Network.listen(listen, options))), ({ reason }) => reason)
  expect(yield* failed({ upgradeTls: { certificates: [mismatched] } })).toMatchObject({ _tag: "KeyMismatch" })
  const empty = { certificates: [] as unknown as Tls.ServerOptions["certificates"] }
  expect(yield* failed({ upgradeTls: empty })).toMatchObject({ _tag: "InvalidOption", option: "tls.certificates" })
  const twice = Effect.flip(
    Effect.scoped(
      Network.listen(listen.replace("tcp:", "tls:"), {
        tls: { certificates: [good] },
        upgradeTls: { certificates: [good] }
      })
    )
  )
  expect((yield* twice).reason).toMatchObject({ _tag: "InvalidOption", option: "upgradeTls" })

  for (const upgradeTls of [{ certificates: [good] } as const, undefined]) {
    const listener = yield* Network.listen(listen, { upgradeTls, closeTimeout: 0 })
    const client = yield* Network.connect(connect((listener.address as NetAddress.InetAddress).port), {
      closeTimeout: 0
    })
    const server = yield* Listener.accept(listener)
    if (upgradeTls === undefined) {
      const error = yield* Effect.flip(Connection.upgradeTls(server, { role: "server" }))
      expect(error.reason).toMatchObject({ _tag: "InvalidOption", option: "tls" })
    } else {
      const serving = yield* Effect.forkScoped(Connection.upgradeTls(server, { role: "server" }))
      expect((yield* Connection.upgradeTls(client, asClient)).verified).toBe(true)
      expect((yield* Fiber.join(serving)).peerCertificate).toBe(undefined)
    }
  }
})
