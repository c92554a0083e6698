import * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Fs from "node:fs"
import * as Path from "node:path"
import { builtins } from "../facade/builtins.ts"
import { answers } from "./answers.ts"
import { type Addressable, addressable, limit } from "./path.ts"

/**
 * The file of a Unix-domain listener.
 *
 * The listener is bound in a folder of its own, which no other user can enter, and its file is moved into place when it
 * listens: so it has its permissions before a client can connect, and libuv, which unlinks the path that it bound, leaves the
 * file that is there by then alone.
 */
export class SocketFile {
  readonly #path: string
  readonly #folder: string
  readonly #own: string
  /** The path to bind. */
  readonly bound: Addressable
  #identity: Fs.BigIntStats | undefined = undefined

  private constructor(path: string, folder: string, own: string, bound: Addressable) {
    this.#path = path
    this.#folder = folder
    this.#own = own
    this.bound = bound
  }

  /** Makes the folder to bind in. */
  static make(path: string): Effect.Effect<SocketFile, NetworkError.NetworkError> {
    return Effect.suspend(() => {
      try {
        const folder = builtins.fs.mkdtempSync(Path.join(Path.dirname(path), ".s"))
        const own = Path.join(folder, "s")
        const bound = addressable(own)
        if (bound !== undefined) return Effect.succeed(new SocketFile(path, folder, own, bound))
        builtins.fs.rmdirSync(folder)
        const reason = new NetworkError.PathTooLong({ limit: limit - (own.length - path.length) })
        return Effect.fail(NetworkError.make("listen", `unix://${path}`, reason))
      } catch (error) {
        return Effect.fail(failure(path, error))
      }
    })
  }

  /**
   * Moves the file of the socket, which listens by now, to its path. A file at the path is replaced if it is a socket on which
   * no server listens, as after a crash. Fails with `AddressInUse` if a server listens on it, and with `NotASocket` if it
   * is something else.
   */
  place(mode: number | undefined): Effect.Effect<void, NetworkError.NetworkError> {
    return Effect.suspend(() => {
      if (mode !== undefined) builtins.fs.chmodSync(this.#own, mode)
      this.#identity = builtins.fs.lstatSync(this.#own, { bigint: true })
      return this.#take()
    }).pipe(
      Effect.catchDefect((error) =>
        Predicate.hasProperty(error, "code") ? Effect.fail(failure(this.#path, error)) : Effect.die(error)
      ),
      Effect.ensuring(Effect.sync(() => this.#removeFolder()))
    )
  }

  #take(): Effect.Effect<void, NetworkError.NetworkError> {
    return Effect.suspend(() => {
      if (succeeds(() => builtins.fs.linkSync(this.#own, this.#path))) return Effect.void
      const found = builtins.fs.lstatSync(this.#path, { bigint: true, throwIfNoEntry: false })
      if (found === undefined) return this.#take()
      if (!found.isSocket()) return Effect.fail(taken(this.#path, new NetworkError.NotASocket()))
      return Effect.flatMap(answers(this.#path), (answered) => {
        if (answered === "gone") return this.#take()
        return answered ? this.#inUse : this.#replace(found, 0)
      })
    })
  }

  /**
   * Replaces a stale file. Of several servers that found it, only the one that has linked its own socket under the name of
   * the claim may do so. A claim whose owner crashed does not answer: the next server takes the claim after it.
   */
  #replace(stale: Fs.BigIntStats, generation: number): Effect.Effect<void, NetworkError.NetworkError> {
    return Effect.suspend(() => {
      const claim = claimOf(this.#path, stale, generation)
      if (!succeeds(() => builtins.fs.linkSync(this.#own, claim))) {
        return Effect.flatMap(answers(claim), (answered) => {
          if (answered === "gone") return this.#take()
          return answered ? this.#inUse : this.#replace(stale, generation + 1)
        })
      }
      try {
        if (!isSame(this.#path, stale)) return this.#take()
        builtins.fs.renameSync(this.#own, this.#path)
        return Effect.void
      } finally {
        for (let each = generation; each >= 0; each--) {
          builtins.fs.rmSync(claimOf(this.#path, stale, each), { force: true })
        }
      }
    })
  }

  get #inUse(): Effect.Effect<never, NetworkError.NetworkError> {
    return Effect.fail(taken(this.#path, new NetworkError.AddressInUse({})))
  }

  #removeFolder(): void {
    builtins.fs.rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Removes the file, unless another has taken its place. To be called while the socket still listens. */
  remove(): void {
    this.#removeFolder()
    if (this.#identity === undefined || !isSame(this.#path, this.#identity)) return
    try {
      builtins.fs.unlinkSync(this.#path)
    } catch {
      // It is gone, or its folder is not writable any more: the next listener replaces it.
    }
  }
}

/** Whether it was done; not if there is a file already. */
const succeeds = (link: () => void): boolean => {
  try {
    link()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
    throw error
  }
}

const isSame = (path: string, { dev, ino }: Fs.BigIntStats): boolean => {
  const found = builtins.fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return found?.dev === dev && found.ino === ino
}

// The claim is for this file, and not for a later one with the same inode number.
const claimOf = (path: string, { ino, mtimeNs }: Fs.BigIntStats, generation: number): string =>
  Path.join(Path.dirname(path), `.${ino.toString(36)}-${mtimeNs.toString(36)}-${generation}`)

const taken = (path: string, reason: NetworkError.Reason): NetworkError.NetworkError => {
  const cause = Object.assign(new Error(`listen EADDRINUSE: ${reason.message} ${path}`), {
    code: "EADDRINUSE",
    syscall: "listen"
  })
  return new NetworkError.NetworkError({
    operation: "listen",
    address: `unix://${path}`,
    reason,
    code: cause.code,
    syscall: cause.syscall,
    cause
  })
}

/** What making, linking or moving files failed with: for the program it is listening that failed. */
const failure = (path: string, error: unknown): NetworkError.NetworkError => {
  const { address, code, operation, reason } = Transport.systemError({
    operation: "listen",
    address: `unix://${path}`,
    error
  })
  return new NetworkError.NetworkError({ operation, address, reason, code, syscall: "listen", cause: error })
}
