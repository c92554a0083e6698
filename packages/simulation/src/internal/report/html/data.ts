import * as SafeText from "@sluice/framing/SafeText"
import type * as Trace from "../../../Trace.ts"
import { involved } from "../trace/mermaid.ts"
import { orderWithout } from "../violations.ts"
import type { CallSpan, FaultSpan, NamedSpan, PageData, Row } from "./browser/pageData.ts"
import { decodeMessages } from "./messages.ts"
import type { HtmlOptions } from "./options.ts"
import { makeRows, milliseconds, row } from "./rows.ts"
import { describeValue } from "./value.ts"
import { WaitTable } from "./waitTable.ts"

const defaultRecords = 10_000
const clientLimit = 8

/** Something that has a place among the records: before the one that has its position. */
export interface Entry {
  readonly at: number
  readonly position: number
  readonly make: (index: number) => Row | undefined
}

/** Prepares what the page shows. */
export const makePageData = (trace: Trace.Trace, options: HtmlOptions = {}): PageData => {
  const failure = options.failure ?? failureOf(trace)
  const violated = trace.calls?.find(({ call }) => orderWithout(call) !== undefined)
  const { gap, records } = choose(trace, violated?.at ?? failure?.at, Math.max(1, options.records ?? defaultRecords))
  const since = records[0]?.record.at ?? 0
  const isKept = ({ at }: { readonly at: number }) => at >= since || records.length === trace.records.length
  const calls = (trace.calls ?? []).filter(isKept)
  const spans = (trace.spans ?? []).filter(isKept)
  const clients = calls.flatMap(({ call, host }) => host === "" ? [call.client] : [])
  // Only those that have a part in what is shown have a lane.
  const active = new Set(involved(trace.hosts, records.map(({ record }) => record)))
  for (const { host } of [...calls, ...spans]) active.add(host)
  const hosts = trace.hosts.filter((host) => active.has(host))
  const lanes = [...hosts, ...[...new Set(clients)].slice(0, clientLimit)]
  const laneOf = (name: string) => lanes.indexOf(name)
  const laneOfCall = ({ call, host }: Trace.Call) => laneOf(host === "" ? call.client : host)
  const describeRecord = makeRows(laneOf, decodeMessages(trace.records, options.decode))

  const entries: Array<Entry> = [
    ...records.map(({ position, record }) => ({
      at: record.at,
      position: position + 0.5,
      make: () => describeRecord(record)
    })),
    ...gap
  ]
  const callSpans = calls.map((each) => callSpan(each, laneOfCall(each)))
  const orders = new Map(
    calls.flatMap(({ call }) => (orderWithout(call) ?? []).map((placed, index) => [placed, index + 1] as const))
  )
  for (const [index, each] of calls.entries()) {
    const span = callSpans[index]!
    span.order = orders.get(each.call) ?? 0
    entries.push(...callEntries(each, span))
  }
  const spanSpans = spans.map(({ host, name }): Writable<NamedSpan> => ({
    host,
    name: safe(name),
    first: 0,
    last: undefined
  }))
  for (const [index, each] of spans.entries()) entries.push(...spanEntries(each, spanSpans[index]!, laneOf(each.host)))
  const waits = trace.waits === undefined ? undefined : new WaitTable(trace.waits, since)
  if (waits !== undefined) entries.push(...waits.entries)

  const rows: Array<Row> = []
  for (const { make } of entries.sort((a, b) => a.at - b.at || a.position - b.position)) {
    const made = make(rows.length)
    if (made !== undefined) rows.push(made)
  }
  const recorded = trace.dropped + trace.records.length
  return {
    title: safe(options.title ?? "Simulation"),
    failure: safe(failure?.text ?? ""),
    facts: [
      ...Object.entries(options.facts ?? {}).map(([name, value]) => [safe(name), safe(value)] as const),
      [
        "records",
        recorded > records.length ? `${records.length} of ${recorded}` : `${recorded}`
      ],
      ["trace hash", trace.hash]
    ],
    lanes: lanes.map(safe),
    hosts: hosts.length,
    rows,
    start: startOf(rows, failure?.at),
    faults: faultSpans(trace, records, rows, laneOf),
    calls: callSpans,
    spans: spanSpans,
    waits: waits?.data
  }
}

type Writable<A> = { -readonly [K in keyof A]: A[K] }

const safe = (text: string): string => SafeText.escape(text, { limit: 400 })

const failureOf = (trace: Trace.Trace): HtmlOptions["failure"] => {
  const note = trace.records.findLast((record) => record._tag === "Note" && record.kind === "failure")
  return note?._tag === "Note" ? { at: note.at, text: note.text } : undefined
}

// The last records; or the last half of them, and as many around a failure that is earlier.
const choose = (trace: Trace.Trace, at: number | undefined, limit: number) => {
  const all = trace.records.map((record, index) => ({ record, position: trace.dropped + index }))
  const from = Math.max(0, all.length - limit)
  const found = at === undefined ? -1 : all.findIndex(({ record }) => record.at >= at)
  if (found === -1 || found >= from) return { records: all.slice(from), gap: [] }
  const half = Math.floor(limit / 2)
  const begin = Math.max(0, found - Math.floor(half / 2))
  const end = begin + half
  const tail = Math.max(end, all.length - (limit - half))
  const before = all[end - 1]!
  const gap = row(before.record.at, "gap", -1, `${tail - end} records are not shown`)
  return {
    records: [...all.slice(begin, end), ...all.slice(tail)],
    gap: tail === end ? [] : [{ at: gap.at, position: before.position + 0.75, make: () => gap }]
  }
}

// A call that has no place is what the failure is about, if there is one.
const startOf = (rows: ReadonlyArray<Row>, at: number | undefined): number => {
  const call = rows.findLastIndex(({ isBad, kind }) => isBad && kind === "call")
  if (call !== -1) return call
  const failed = rows.findLastIndex((each) => each.kind === "failure" && each.at === at)
  if (failed !== -1) return failed
  const next = at === undefined ? -1 : rows.findIndex((each) => each.at >= at)
  return next === -1 ? Math.max(0, rows.length - 1) : next
}

// ---------------------------------------------------------------------------------------------------------------------
// What has an extent
// ---------------------------------------------------------------------------------------------------------------------

const callSpan = ({ at, call, until }: Trace.Call, lane: number): Writable<CallSpan> => {
  const order = orderWithout(call)
  return {
    client: safe(call.client),
    lane,
    input: describeValue(call.input),
    output: until === undefined ? "" : call.output === undefined ? "ok" : describeValue(call.output),
    at,
    until,
    violation: order === undefined
      ? ""
      : `no place for it in any order: the longest one has ${order.length} calls, and this answer contradicts it`,
    order: 0,
    first: 0,
    last: undefined
  }
}

const callEntries = (call: Trace.Call, span: Writable<CallSpan>): ReadonlyArray<Entry> => {
  const { at, endPosition, position, until } = call
  const isBad = span.violation !== ""
  const detail = [["Client", span.client], ["Call", span.input], ["Violation", span.violation]] as const
  const begins: Entry = {
    at,
    position,
    make: (index) => {
      span.first = index
      return { ...row(at, "call", span.lane, `${span.client} calls ${span.input}`, detail), isBad }
    }
  }
  if (until === undefined) return [begins]
  const text = `${span.client}: ${span.input} → ${span.output}${isBad ? `: ${span.violation}` : ""}`
  return [begins, {
    at: until,
    position: endPosition ?? position,
    make: (index) => {
      span.last = index
      const more = [["Answer", span.output], ["Took", milliseconds(until - at)]] as const
      return { ...row(until, "call", span.lane, text, [...detail, ...more]), isBad }
    }
  }]
}

const spanEntries = (traced: Trace.Span, span: Writable<NamedSpan>, lane: number): ReadonlyArray<Entry> => {
  const { at, endPosition, hasFailed, position, until } = traced
  const begins: Entry = {
    at,
    position,
    make: (index) => {
      span.first = index
      return row(at, "span", lane, `${traced.name} begins`)
    }
  }
  if (until === undefined) return [begins]
  return [begins, {
    at: until,
    position: endPosition ?? position,
    make: (index) => {
      span.last = index
      return row(
        until,
        "span",
        lane,
        `${traced.name} ${hasFailed ? "fails" : "ends"} after ${milliseconds(until - at)}`
      )
    }
  }]
}

const downKinds: ReadonlySet<string> = new Set(["crash", "kill", "stop"])

const faultSpans = (
  trace: Trace.Trace,
  shown: ReadonlyArray<{ readonly record: Trace.Record }>,
  rows: ReadonlyArray<Row>,
  laneOf: (host: string) => number
): ReadonlyArray<FaultSpan> => {
  // The rows of faults are in the order of their records.
  const places = new Map<Trace.Record, number>()
  const faults = shown.flatMap(({ record }) => record._tag === "Fault" ? [record] : [])
  for (const [index, { kind }] of rows.entries()) if (kind === "fault") places.set(faults[places.size]!, index)
  const spans = new Map<number, Writable<FaultSpan>>()
  for (const record of trace.records) {
    if (record._tag !== "Fault") continue
    const place = places.get(record)
    const known = spans.get(record.id)
    if (record.phase === "begin") {
      spans.set(record.id, {
        name: safe(record.name),
        lanes: record.hosts.map(laneOf).filter((lane) => lane >= 0),
        isLink: record.others.length > 0,
        isDown: downKinds.has(record.kind),
        first: place ?? rows.findIndex(({ at }) => at >= record.at),
        last: undefined
      })
    } else if (known !== undefined) {
      const next = rows.findIndex(({ at }) => at >= record.at)
      known.last = place ?? (next === -1 ? rows.length - 1 : next)
    }
  }
  return [...spans.values()].filter(({ first, last }) => first >= 0 && last !== 0)
}
