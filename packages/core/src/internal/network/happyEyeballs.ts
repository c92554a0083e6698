import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"

type Addresses = readonly [NetAddress.SocketAddress, ...Array<NetAddress.SocketAddress>]

/** Alternates the two families, beginning with that of the first address (RFC 8305, section 4). */
export const interleave = (addresses: Addresses): Addresses => {
  const [first] = addresses
  const isFirstFamily = (address: NetAddress.SocketAddress) => address._tag === first._tag
  const preferred = addresses.filter(isFirstFamily)
  const others = addresses.filter((address) => !isFirstFamily(address))
  const interleaved: Array<NetAddress.SocketAddress> = []
  for (let index = 0; index < Math.max(preferred.length, others.length); index++) {
    if (index < preferred.length) interleaved.push(preferred[index]!)
    if (index < others.length) interleaved.push(others[index]!)
  }
  return interleaved as unknown as Addresses
}

/**
 * Tries the addresses, families in turns, and the next one as well whenever an attempt has failed or `attemptDelay`
 * milliseconds have passed; the first that connects wins (RFC 8305, section 5). When all fail, the error has all of theirs.
 *
 * More than one may connect: the caller closes those that have not won.
 */
export const firstToConnect = (
  where: string,
  addresses: Addresses,
  attemptDelay: number,
  attempt: (address: NetAddress.SocketAddress) => Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError>
): Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError> => {
  if (addresses.length === 1) return attempt(addresses[0])
  return Effect.suspend(() => {
    const sorted = interleave(addresses)
    const begun = sorted.map(() => Deferred.makeUnsafe<void>())
    const failed = sorted.map(() => Deferred.makeUnsafe<void>())
    const errors: Array<NetworkError.NetworkError | undefined> = sorted.map(() => undefined)
    const turn = (index: number) =>
      index === 0 ? Effect.void : Effect.andThen(
        Deferred.await(begun[index - 1]!),
        Effect.raceFirst(Effect.sleep(Duration.millis(attemptDelay)), Deferred.await(failed[index - 1]!))
      )
    const staggered = sorted.map((address, index) =>
      turn(index).pipe(
        Effect.andThen(Deferred.succeed(begun[index]!, undefined)),
        Effect.andThen(attempt(address)),
        Effect.onExit((exit) => {
          if (Exit.isSuccess(exit)) return Effect.void
          const error = Cause.findError(exit.cause)
          if (Result.isSuccess(error)) errors[index] = error.success
          return Deferred.succeed(failed[index]!, undefined)
        })
      )
    )
    return Effect.catchCause(Effect.raceAll(staggered), (cause) => {
      const attempts = errors.filter((error) => error !== undefined)
      return attempts.length < sorted.length ? Effect.failCause(cause) : Effect.fail(combined(where, attempts))
    })
  })
}

const combined = (
  where: string,
  attempts: ReadonlyArray<NetworkError.NetworkError>
): NetworkError.NetworkError => {
  const { cause, code, reason, syscall } = attempts.find(reachedFarther) ?? attempts[0]!
  return new NetworkError.NetworkError({ operation: "connect", address: where, reason, code, syscall, attempts, cause })
}

// The error of a host that was reached says more than that of a family which this machine does not have.
const reachedFarther = ({ reason }: NetworkError.NetworkError): boolean => !notReached.has(reason._tag)

const notReached = new Set<NetworkError.Reason["_tag"]>([
  "AddressFamilyMismatch",
  "AddressNotAvailable",
  "Other",
  "PermissionDenied",
  "Unreachable"
])
