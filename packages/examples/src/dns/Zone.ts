/** A zone, and what it answers (RFC 1034, section 4.3.2): delegations, aliases, wildcards, and names without data. */
import type * as Codec from "@sluice/codec/Codec"
import * as Dns from "@sluice/codec/formats/Dns"
import * as Result from "effect/Result"
import { type DnsRecord, InvalidZone, type Line } from "./masterFile.ts"
import { fold, parentOf } from "./names.ts"

export type Question = Codec.Type<typeof Dns.message>["questions"][number]

export const responseCodes = { NoError: 0, FormErr: 1, ServFail: 2, NXDomain: 3, NotImp: 4, Refused: 5, BadVers: 16 }

/** The answer to a question. */
export interface Answer {
  readonly responseCode: number
  readonly isAuthoritative: boolean
  readonly answers: ReadonlyArray<DnsRecord>
  readonly authorities: ReadonlyArray<DnsRecord>
  readonly additionals: ReadonlyArray<DnsRecord>
  /** The name to ask another server for: it is delegated, or an alias that leaves the zone points to it. */
  readonly elsewhere?: string | undefined
}

/** An answer without records. */
export const failed = (responseCode: number): Answer => ({
  responseCode,
  isAuthoritative: false,
  answers: [],
  authorities: [],
  additionals: []
})

/** The records of a name, by type. A name that has only names below it has none. */
type Node = Map<string, Array<DnsRecord>>

const tags: ReadonlyMap<number, string> = new Map(Object.entries(Dns.types).map(([tag, type]) => [type, tag]))

export const anyType = 255

/** Aliases followed for one question, at most. */
const mostAliases = 16

const targetOf = ({ data }: DnsRecord): string | undefined =>
  data._tag === "NS" ? data.name : data._tag === "MX" ? data.exchange : data._tag === "SRV" ? data.target : undefined

export class Zone {
  readonly apex: string
  readonly #nodes: ReadonlyMap<string, Node>
  /** Delegated names below the apex. */
  readonly #cuts: ReadonlySet<string>
  readonly #denial: ReadonlyArray<DnsRecord>

  private constructor(apex: string, nodes: ReadonlyMap<string, Node>, start: DnsRecord & { data: { _tag: "SOA" } }) {
    this.apex = apex
    this.#nodes = nodes
    this.#cuts = new Set([...nodes].flatMap(([name, node]) => name !== apex && node.has("NS") ? [name] : []))
    // RFC 2308, section 3.
    this.#denial = [{ ...start, data: { ...start.data, ttl: Math.min(start.data.ttl, start.data.minimum) } }]
  }

  /** Makes a zone of records. Exactly one of them is an SOA record; its name is the apex, at or below which all others are. */
  static make(lines: ReadonlyArray<Line>): Result.Result<Zone, InvalidZone> {
    const fail = (line: number, why: string) => Result.fail(new InvalidZone({ line, why }))
    const starts = lines.filter(({ record }) => record.data._tag === "SOA")
    const [start, another] = starts
    if (start === undefined) return fail(1, "there is no SOA record; add one for the zone")
    if (another !== undefined) return fail(another.line, "there is another SOA record; a file is for one zone")
    const apex = fold(start.record.name)
    const nodes = new Map<string, Node>()
    for (const { line, record } of lines) {
      const owner = fold(record.name)
      const ancestors: Array<string> = []
      let name: string | undefined = owner
      for (; name !== undefined && name !== apex; name = parentOf(name)) ancestors.push(name)
      if (name === undefined) return fail(line, `${record.name}. is not in the zone ${apex}.; move it to its own zone`)
      for (const each of [...ancestors, apex]) if (!nodes.has(each)) nodes.set(each, new Map())
      const node = nodes.get(owner)!
      const { _tag } = record.data
      if (_tag === "CNAME" ? node.size > 0 : node.has("CNAME")) {
        return fail(line, `${record.name}. has a CNAME record and another; an alias has no other records`)
      }
      const same = node.get(_tag) ?? []
      if (!same.some((each) => isSame(each, record))) node.set(_tag, [...same, record])
    }
    return Result.succeed(new Zone(apex, nodes, start.record as DnsRecord & { data: { _tag: "SOA" } }))
  }

  /** The answer to a question, or undefined where the name is not in this zone. */
  answer({ name: asked, type }: Question): Answer | undefined {
    const tag = tags.get(type)
    const answers: Array<DnsRecord> = []
    let name = asked
    for (let aliases = 0; aliases <= mostAliases; aliases++) {
      const folded = fold(name)
      const cut = this.#cutAbove(folded)
      if (cut !== undefined) return { ...this.#referral(answers, cut), elsewhere: name }
      const node = this.#nodes.get(folded) ?? this.#wildcardFor(folded)
      if (node === undefined) return answers.length === 0 ? undefined : { ...this.#done(answers), elsewhere: name }
      if (node === "none") return this.#denied(answers, responseCodes.NXDomain)
      const found = type === anyType ? [...node.values()][0] : tag === undefined ? undefined : node.get(tag)
      const alias = node.get("CNAME")
      for (const { data } of found ?? alias ?? []) answers.push({ name, data })
      if (found !== undefined) return this.#done(answers)
      const target = alias?.[0]?.data
      if (target?._tag !== "CNAME") return this.#denied(answers, responseCodes.NoError)
      name = target.name
      if (answers.some((record) => fold(record.name) === fold(name))) break
    }
    return this.#done(answers)
  }

  #done(answers: ReadonlyArray<DnsRecord>): Answer {
    const additionals = this.#addressesOf(answers)
    return { responseCode: responseCodes.NoError, isAuthoritative: true, answers, authorities: [], additionals }
  }

  #denied(answers: ReadonlyArray<DnsRecord>, responseCode: number): Answer {
    return { responseCode, isAuthoritative: true, answers, authorities: this.#denial, additionals: [] }
  }

  #referral(answers: ReadonlyArray<DnsRecord>, cut: string): Answer {
    const authorities = this.#nodes.get(cut)!.get("NS")!
    const additionals = this.#addressesOf(authorities)
    return { ...failed(responseCodes.NoError), isAuthoritative: answers.length > 0, answers, authorities, additionals }
  }

  /** The highest delegation at or above a name. */
  #cutAbove(name: string): string | undefined {
    if (this.#cuts.size === 0) return undefined
    let highest: string | undefined
    for (let each: string | undefined = name; each !== undefined; each = parentOf(each)) {
      if (this.#cuts.has(each)) highest = each
    }
    return highest
  }

  /** The wildcard that covers a name that does not exist (RFC 4592): the one at its closest ancestor that exists. */
  #wildcardFor(name: string): Node | "none" | undefined {
    for (let each = parentOf(name); each !== undefined; each = parentOf(each)) {
      if (this.#nodes.has(each)) return this.#nodes.get(each === "" ? "*" : `*.${each}`) ?? "none"
    }
    return undefined
  }

  #addressesOf(records: ReadonlyArray<DnsRecord>): ReadonlyArray<DnsRecord> {
    const targets = new Set<string>()
    for (const record of records) {
      const target = targetOf(record)
      if (target !== undefined) targets.add(fold(target))
    }
    return targets.size === 0
      ? []
      : [...targets].flatMap((name) => ["A", "AAAA"].flatMap((tag) => this.#nodes.get(name)?.get(tag) ?? []))
  }
}

/** Whether two records of a name are duplicates (RFC 2181, section 5). */
const isSame = (a: DnsRecord, b: DnsRecord): boolean =>
  JSON.stringify({ ...a.data, ttl: 0 }) === JSON.stringify({ ...b.data, ttl: 0 })
