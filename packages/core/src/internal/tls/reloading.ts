import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type * as NetworkError from "../../NetworkError.ts"
import { checked } from "../../Options.ts"
import type * as Tls from "../../Tls.ts"
import { inspect, pathsOf, readServer, warnOfReadableKeys } from "./files.ts"
import { checkServer } from "./options.ts"
import { type Prepare, reloadingTypeId as typeId, type ServerSettings } from "./serverSettings.ts"
import type { TlsServer } from "./settings.ts"
import { watchFiles } from "./watchFiles.ts"

/** One look at the files, and when it was, in milliseconds. */
type Look = Pick<Tls.ReloadState, "lookedAt" | "saw">

/** Settings that follow their files. */
class ReloadingState implements Tls.Reloading, ServerSettings {
  readonly [typeId]: typeof typeId = typeId
  readonly state: SubscriptionRef.SubscriptionRef<Tls.ReloadState>
  readonly reload: Effect.Effect<void>
  readonly #users = new Set<Prepare>()
  current: TlsServer
  // The settings to return to while nobody has prepared the current ones.
  #before: TlsServer | undefined = undefined

  constructor(
    current: TlsServer,
    state: SubscriptionRef.SubscriptionRef<Tls.ReloadState>,
    options: {
      readonly look: Effect.Effect<Look>
      readonly load: Effect.Effect<TlsServer, NetworkError.NetworkError>
      readonly onChanged: Effect.Effect<void>
    }
  ) {
    this.current = current
    this.state = state
    const load = Effect.tap(
      options.load,
      (settings) => Effect.forEach(this.#users, (prepare) => prepare(settings), { discard: true })
    )
    this.reload = Semaphore.makeUnsafe(1).withPermits(1)(
      Effect.flatMap(options.look, (look) =>
        Effect.matchEffect(load, {
          onSuccess: (settings) => this.#take(settings, look, options.onChanged),
          onFailure: (error) => this.#keep(error, look)
        }))
    )
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
          // From now on, `reload` can tell whether settings are usable.
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

  #take(settings: TlsServer, look: Look, onChanged: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const before = yield* SubscriptionRef.get(this.state)
      let { since } = before
      if (!isSame(settings, this.current)) {
        this.#before = this.#users.size > 0 ? undefined : this.#before ?? this.current
        this.current = settings
        since = look.lookedAt
        yield* Effect.logInfo("the certificates were reloaded")
        yield* onChanged
      } else if (before._tag === "Kept") {
        // The files were repaired to what they were.
        since = look.lookedAt
      }
      yield* SubscriptionRef.set(this.state, { _tag: "Current", since, ...look })
    })
  }

  #keep(error: NetworkError.NetworkError, look?: Look): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const before = yield* SubscriptionRef.get(this.state)
      yield* SubscriptionRef.set(this.state, { ...before, ...look, _tag: "Kept", error })
      if (before._tag === "Kept" && before.error.message === error.message) return
      yield* Effect.logWarning(`${error.message}; the certificates from before stay in use`)
    })
  }
}

export const reloading = Effect.fnUntraced(function*<A>(
  files: Tls.ServerFiles,
  when: Schedule.Schedule<A> | "watch"
): Effect.fn.Return<Tls.Reloading, NetworkError.NetworkError, FileSystem.FileSystem | Scope.Scope> {
  const context = yield* Effect.context<FileSystem.FileSystem>()
  const paths = pathsOf(files)
  const load = readServer(files).pipe(
    Effect.flatMap((options) =>
      Effect.fromResult(checked("configure", files.certificates[0].chain, () => checkServer(options)))
    ),
    Effect.provideContext(context)
  )
  const look = Effect.all({ lookedAt: Clock.currentTimeMillis, saw: inspect(paths) }).pipe(
    Effect.provideContext(context)
  )
  const onChanged = Effect.provideContext(warnOfReadableKeys(files.certificates), context)
  const first = yield* look
  const current = yield* load
  yield* onChanged
  const state = yield* SubscriptionRef.make<Tls.ReloadState>({ _tag: "Current", since: first.lookedAt, ...first })
  const self = new ReloadingState(current, state, { load, look, onChanged })
  if (when !== "watch") {
    yield* Effect.forkScoped(Effect.schedule(self.reload, when))
  } else {
    yield* watchFiles(paths, self.reload)
    // The files may have changed before they were watched.
    yield* self.reload
  }
  return self
})

const isSame = (left: TlsServer, right: TlsServer): boolean => textOf(left) === textOf(right)

const textOf = ({ authorities = [], certificates, revocationLists }: TlsServer): string =>
  [
    ...certificates.flatMap(({ chain, key }) => [chain, Redacted.value(key)]),
    ...authorities,
    ...revocationLists
  ].join("\n")
