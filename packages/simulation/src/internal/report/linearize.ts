/** A call of a history: `start` and `end` are its places in the order of all events; it has no end if its outcome is unknown. */
export interface Span<In, Out> {
  readonly input: In
  readonly output: Out | undefined
  readonly start: number
  readonly end: number | undefined
}

/** How an object behaves when it is called by one client alone. */
export interface Machine<State, In, Out> {
  readonly initial: State
  readonly step: (state: State, input: In, output: Out | undefined) => State | undefined
  readonly describe: (state: State) => string
}

/** The order that was found, or the longest that there is, with the call that has no place behind it. */
export interface Found {
  readonly verdict: "linearizable" | "violation" | "unknown"
  /** Indexes of calls. */
  readonly order: ReadonlyArray<number>
  readonly stuck: number | undefined
}

interface Entry {
  readonly index: number
  readonly isReturn: boolean
  match: Entry | undefined
  previous: Entry | undefined
  next: Entry | undefined
}

/**
 * Looks for an order in which each call takes effect between its start and its end (Wing and Gong, 1993, with the cache of
 * Lowe, 2017; as Porcupine does it). A call without an end may take effect at any time after its start, or never.
 */
export const linearize = <State, In, Out>(
  spans: ReadonlyArray<Span<In, Out>>,
  machine: Machine<State, In, Out>,
  limit: number
): Found => {
  const head = link(spans)
  const placed: Array<{ readonly entry: Entry; readonly state: State }> = []
  const done = new Uint8Array(spans.length)
  const seen = new Set<string>()
  let missing = spans.filter(({ end }) => end !== undefined).length
  let state = machine.initial
  let best: ReadonlyArray<number> = []
  let stuck: number | undefined
  let steps = 0
  for (let entry = head.next; missing > 0;) {
    if (++steps > limit) return { verdict: "unknown", order: best, stuck: undefined }
    if (entry !== undefined && !entry.isReturn) {
      const { input, output } = spans[entry.index]!
      const next = machine.step(state, input, output)
      if (next !== undefined) {
        done[entry.index] = 1
        const key = `${bits(done)} ${machine.describe(next)}`
        if (!seen.has(key)) {
          seen.add(key)
          placed.push({ entry, state })
          state = next
          if (spans[entry.index]!.end !== undefined) missing--
          takeOut(entry)
          entry = head.next
          continue
        }
        done[entry.index] = 0
      }
      entry = entry.next
      continue
    }
    // A call has returned before it was placed, and no other call can be placed first: backtrack.
    if (placed.length >= best.length) {
      best = placed.map((each) => each.entry.index)
      stuck = entry?.index
    }
    const last = placed.pop()
    if (last === undefined) return { verdict: "violation", order: best, stuck }
    state = last.state
    done[last.entry.index] = 0
    if (spans[last.entry.index]!.end !== undefined) missing++
    putBack(last.entry)
    entry = last.entry.next
  }
  return { verdict: "linearizable", order: placed.map((each) => each.entry.index), stuck: undefined }
}

const link = (spans: ReadonlyArray<Span<unknown, unknown>>): Entry => {
  const entries = spans.flatMap(({ end, start }, index) => {
    const call: Entry = { index, isReturn: false, match: undefined, previous: undefined, next: undefined }
    if (end === undefined) return [{ at: start, entry: call }]
    const answer: Entry = { index, isReturn: true, match: call, previous: undefined, next: undefined }
    call.match = answer
    return [{ at: start, entry: call }, { at: end, entry: answer }]
  }).sort((a, b) => a.at - b.at)
  const head: Entry = { index: -1, isReturn: false, match: undefined, previous: undefined, next: undefined }
  let last = head
  for (const { entry } of entries) {
    last.next = entry
    entry.previous = last
    last = entry
  }
  return head
}

const remove = (entry: Entry): void => {
  entry.previous!.next = entry.next
  if (entry.next !== undefined) entry.next.previous = entry.previous
}

const restore = (entry: Entry): void => {
  entry.previous!.next = entry
  if (entry.next !== undefined) entry.next.previous = entry
}

const takeOut = (call: Entry): void => {
  remove(call)
  if (call.match !== undefined) remove(call.match)
}

const putBack = (call: Entry): void => {
  if (call.match !== undefined) restore(call.match)
  restore(call)
}

const bits = (done: Uint8Array): string => {
  let text = ""
  for (let at = 0; at < done.length; at += 15) {
    let code = 0
    for (let bit = 0; bit < 15 && at + bit < done.length; bit++) code |= done[at + bit]! << bit
    text += String.fromCharCode(code)
  }
  return text
}
