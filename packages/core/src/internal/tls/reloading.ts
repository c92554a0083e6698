import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as NetworkError from "../../NetworkError.ts"
import { checked } from "../../Options.ts"
import type * as Tls from "../../Tls.ts"
import { UnusableCertificate } from "../../TlsReason.ts"
import { loadServer } from "./files.ts"
import { checkServer } from "./options.ts"
import { type Prepare, reloadingTypeId as typeId, type ServerSettings } from "./serverSettings.ts"
import type { TlsServer } from "./settings.ts"

/** Settings that follow their files. */
class ReloadingState implements Tls.Reloading, ServerSettings {
  readonly [typeId]: typeof typeId = typeId
  readonly state: SubscriptionRef.SubscriptionRef<Tls.ReloadState>
  readonly reload: Effect.Effect<void>
  readonly #users = new Set<Prepare>()
  current: TlsServer
  // What to go back to, for as long as nobody has prepared for what is current.
  #before: TlsServer | undefined = undefined

  constructor(
    current: TlsServer,
    state: SubscriptionRef.SubscriptionRef<Tls.ReloadState>,
    load: Effect.Effect<TlsServer, NetworkError.NetworkError>
  ) {
    this.current = current
    this.state = state
    this.reload = Semaphore.makeUnsafe(1).withPermits(1)(Effect.matchEffect(
      Effect.tap(load, (settings) => Effect.forEach(this.#users, (prepare) => prepare(settings), { discard: true })),
      {
        onSuccess: (settings) => this.#take(settings),
        onFailure: (error) => this.#keep(error)
      }
    ))
  }

  use(prepare: Prepare): Effect.Effect<void, NetworkError.NetworkError, Scope.Scope> {
    return Effect.andThen(
      Effect.suspend(() => prepare(this.current)),
      Effect.acquireRelease(
        Effect.sync(() => void this.#users.add(prepare)),
        () => Effect.sync(() => void this.#users.delete(prepare))
      )
    )
  }

  prepared(prepare: Prepare): Effect.Effect<TlsServer, NetworkError.NetworkError> {
    return Effect.suspend(() => {
      const settings = this.current
      return Effect.matchEffect(prepare(settings), {
        onSuccess: () => {
          if (settings === this.current) this.#before = undefined
          // From now on somebody can tell.
          this.#users.add(prepare)
          return Effect.succeed(settings)
        },
        onFailure: (error) => {
          if (settings !== this.current) return this.prepared(prepare)
          if (this.#before === undefined) return Effect.fail(error)
          this.current = this.#before
          this.#before = undefined
          return Effect.andThen(this.#keep(error), this.prepared(prepare))
        }
      })
    })
  }

  #take(settings: TlsServer): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const before = yield* SubscriptionRef.get(this.state)
      if (isSame(settings, this.current)) {
        // What was broken is what it was again.
        if (before._tag === "Current") return
      } else {
        this.#before = this.#users.size > 0 ? undefined : this.#before ?? this.current
        this.current = settings
        yield* Effect.logInfo("the certificates were reloaded")
      }
      yield* SubscriptionRef.set(this.state, { _tag: "Current", since: yield* Clock.currentTimeMillis })
    })
  }

  #keep(error: NetworkError.NetworkError): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const before = yield* SubscriptionRef.get(this.state)
      yield* SubscriptionRef.set(this.state, { _tag: "Kept", since: before.since, error })
      if (before._tag === "Kept" && before.error.message === error.message) return
      yield* Effect.logWarning(`${error.message}; the certificates from before stay in use`)
    })
  }
}

export const reloading = Effect.fnUntraced(function*<A>(
  files: Tls.ServerFiles,
  when: Schedule.Schedule<A> | "watch"
): Effect.fn.Return<Tls.Reloading, NetworkError.NetworkError, FileSystem.FileSystem | Scope.Scope> {
  const fileSystem = yield* FileSystem.FileSystem
  const load = loadServer(files).pipe(
    Effect.flatMap((options) =>
      Effect.fromResult(checked("configure", files.certificates[0].chain, () => checkServer(options)))
    ),
    Effect.provideService(FileSystem.FileSystem, fileSystem)
  )
  const since = yield* Clock.currentTimeMillis
  const state = yield* SubscriptionRef.make<Tls.ReloadState>({ _tag: "Current", since })
  const self = new ReloadingState(yield* load, state, load)
  if (when !== "watch") {
    yield* Effect.forkScoped(Effect.schedule(self.reload, when))
  } else {
    yield* Effect.forEach(foldersOf(files), (folder) => watch(fileSystem, folder, self.reload), { discard: true })
    // What changed before all were watched.
    yield* self.reload
  }
  return self
})

// The folder, because a file is mostly replaced by a new one of its name; and not at once, because that takes several
// steps. Returns when it watches.
const watch = Effect.fnUntraced(function*(
  fileSystem: FileSystem.FileSystem,
  folder: string,
  reload: Effect.Effect<void>
) {
  const ready = yield* Deferred.make<void, NetworkError.NetworkError>()
  const onReady = () => Deferred.doneUnsafe(ready, Effect.void)
  const watching = fileSystem.watch(folder, { onReady }).pipe(
    Stream.debounce("100 millis"),
    Stream.runForEach(() => reload),
    Effect.catch((cause) => {
      const reason = new UnusableCertificate({ option: "the folder", why: `it cannot be watched: ${cause.message}` })
      const error = new NetworkError.NetworkError({ operation: "configure", address: folder, reason, cause })
      return Deferred.doneUnsafe(ready, Effect.fail(error)) ? Effect.void : Effect.logError(error.message)
    })
  )
  yield* Effect.forkScoped(watching)
  yield* Deferred.await(ready)
})

const foldersOf = ({ authorities = [], certificates, revocationLists = [] }: Tls.ServerFiles): ReadonlySet<string> =>
  new Set(
    [...certificates.flatMap(({ chain, key }) => [chain, key]), authorities, revocationLists].flat()
      .map((path) => path.includes("/") ? path.slice(0, path.lastIndexOf("/")) || "/" : ".")
  )

const isSame = (left: TlsServer, right: TlsServer): boolean => textOf(left) === textOf(right)

const textOf = ({ authorities = [], certificates, revocationLists }: TlsServer): string =>
  [
    ...certificates.flatMap(({ chain, key }) => [chain, Redacted.value(key)]),
    ...authorities,
    ...revocationLists
  ].join("\n")
