/** Every way of using a connection, for checks that go through all of them. */
import * as Connection from "@sluice/core/Connection"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { type Body, bounded, expectFailed } from "../Check.ts"
import { type Side } from "./pair.ts"

/** Every way of reading that waits until enough has come. */
export const gatheringReads: ReadonlyArray<
  readonly [string, (connection: Connection.Connection) => Effect.Effect<unknown, NetworkError.NetworkError>]
> = [
  ["readExactly", (connection) => Connection.readExactly(connection, 1)],
  ["readUntil", (connection) => Connection.readUntil(connection, "\n")],
  ["readAll", (connection) => Connection.readAll(connection)],
  ["pipe", (connection) => Connection.pipeTo(connection, connection)]
]

/** Every way of using a connection. */
export const operations = (
  { connection }: Side
): ReadonlyArray<readonly [string, Effect.Effect<unknown, NetworkError.NetworkError>]> => [
  ["read", Connection.read(connection)],
  ["bytes", Stream.runDrain(Connection.bytes(connection))],
  ...gatheringReads.map(([name, read]) => [name, read(connection)] as const),
  ["write", Connection.writeText(connection, "x")],
  ["an empty write", Connection.writeText(connection, "")],
  ["end", Connection.end(connection)]
]

/** Fails unless reading comes to an end, or to a reset. */
export const expectOver = ({ connection }: Side): Body =>
  Effect.flatMap(
    bounded("the peer's end", "10 seconds", Effect.exit(Stream.runDrain(Connection.bytes(connection)))),
    (exit) =>
      Exit.isSuccess(exit) ? Effect.void : Effect.asVoid(expectFailed("reading to the end", exit, "ConnectionReset"))
  )
