/** A cache of another server's answers, each kept for its TTL. Concurrent equal questions are sent once. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { DnsRecord } from "./masterFile.ts"
import { fold } from "./names.ts"
import { type Answer, failed, type Question, responseCodes } from "./Zone.ts"

export interface Options<E, R> {
  readonly ask: (question: Question) => Effect.Effect<Answer, E, R>
  /** Answers in the cache. The least recently used one is evicted. */
  readonly capacity: number
  /** Clients that may wait for answers at once. Others get SERVFAIL. */
  readonly maxWaiting: number
}

/** Seconds in the cache: the most for an answer, and the time for a failure (RFC 9520). */
const longest = { positive: 86_400, negative: 10_800, failure: 1 }

interface Kept {
  readonly answer: Answer
  readonly since: number
  readonly seconds: number
}

/** Makes a function that asks through a cache. It works until the Scope closes. */
export const make = Effect.fnUntraced(function*<E extends { readonly message: string }, R>(
  { ask, capacity, maxWaiting }: Options<E, R>
) {
  const scope = yield* Effect.scope
  const context = yield* Effect.context<R>()
  const clock = yield* Clock.Clock
  const kept = new Map<string, Kept>()
  const pending = new Map<string, Deferred.Deferred<Answer>>()
  let waiting = 0
  let isSilent = false
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n) / 1000

  const find = (key: string): Answer | undefined => {
    const found = kept.get(key)
    if (found === undefined) return undefined
    kept.delete(key)
    const age = Math.floor(now() - found.since)
    if (age >= found.seconds) return undefined
    kept.set(key, found)
    return aged(found.answer, age)
  }

  const keep = (key: string, answer: Answer) => {
    const seconds = lifetimeOf(answer)
    if (seconds === 0) return
    if (kept.size >= capacity) kept.delete(kept.keys().next().value!)
    kept.set(key, { answer, since: now(), seconds })
  }

  const report = (problem: string | undefined) => {
    if ((problem !== undefined) === isSilent) return Effect.void
    isSilent = problem !== undefined
    return isSilent
      ? Effect.logWarning(`no answer from upstream: ${problem}`)
      : Effect.logInfo("upstream answers again")
  }

  const fetch = (key: string, question: Question, deferred: Deferred.Deferred<Answer>) =>
    ask(question).pipe(
      Effect.tap(() => report(undefined)),
      Effect.catch((error) => Effect.as(report(error.message), failed(responseCodes.ServFail))),
      Effect.tap((answer) => Effect.sync(() => keep(key, answer))),
      Effect.onExit((exit) => {
        pending.delete(key)
        return Deferred.done(deferred, exit)
      }),
      Effect.provideContext(context),
      Effect.forkIn(scope)
    )

  return (question: Question): Effect.Effect<Answer> =>
    Effect.suspend(() => {
      const key = `${question.type} ${fold(question.name)}`
      const found = find(key)
      if (found !== undefined) return Effect.succeed(inCaseOf(question.name, found))
      if (waiting >= maxWaiting || (pending.size >= maxWaiting && !pending.has(key))) {
        return Effect.succeed(failed(responseCodes.ServFail))
      }
      const others = pending.get(key)
      const deferred = others ?? Deferred.makeUnsafe<Answer>()
      pending.set(key, deferred)
      waiting++
      return Effect.andThen(
        others === undefined ? fetch(key, question, deferred) : Effect.void,
        Deferred.await(deferred)
      ).pipe(
        Effect.map((answer) => inCaseOf(question.name, answer)),
        Effect.ensuring(Effect.sync(() => waiting--))
      )
    })
})

/** The TTL of an answer in seconds. Without data, the SOA record of the zone sets it (RFC 2308, section 5). */
const lifetimeOf = ({ answers, authorities, additionals, responseCode }: Answer): number => {
  if (responseCode !== responseCodes.NoError && responseCode !== responseCodes.NXDomain) return longest.failure
  const times = [...answers, ...authorities, ...additionals].map(({ data }) => data.ttl < 2 ** 31 ? data.ttl : 0)
  const minima = authorities.flatMap(({ data }) => data._tag === "SOA" ? [data.minimum] : [])
  if (minima.length > 0) return Math.min(longest.negative, ...times, ...minima)
  const isPositive = answers.length > 0 && responseCode === responseCodes.NoError
  return isPositive ? Math.min(longest.positive, ...times) : 0
}

const aged = (answer: Answer, seconds: number): Answer => {
  const age = (records: ReadonlyArray<DnsRecord>) =>
    records.map(({ data, name }): DnsRecord => ({ name, data: { ...data, ttl: Math.max(0, data.ttl - seconds) } }))
  if (seconds === 0) return answer
  const { additionals, answers, authorities } = answer
  return { ...answer, answers: age(answers), authorities: age(authorities), additionals: age(additionals) }
}

/** The answer with the name as the client wrote it: some clients compare case. */
const inCaseOf = (name: string, answer: Answer): Answer => {
  const folded = fold(name)
  return {
    ...answer,
    answers: answer.answers.map((record) => fold(record.name) === folded ? { ...record, name } : record)
  }
}
