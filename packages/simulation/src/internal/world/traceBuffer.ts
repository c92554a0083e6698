import type * as Trace from "../../Trace.ts"

/** How much of a trace is kept. */
export interface Limits {
  readonly records: number
  readonly bytes: number
}

/** Keeps the last records, in bounded memory, and a hash of all. */
export class TraceBuffer {
  readonly #limits: Limits
  readonly hosts: Array<string> = []
  readonly #names = new Map<string, number>()
  #records: Array<Trace.Record> = []
  #head = 0
  #bytes = 0
  #dropped = 0
  // What becomes of a packet is decided just after it is recorded.
  #unsettled: Trace.Record | undefined = undefined
  #low = 0x811c9dc5 | 0
  #high = 0x1b873593 | 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  add(record: Trace.Record): void {
    this.#settle()
    this.#unsettled = record
    this.#records.push(record)
    this.#bytes += sizeOf(record)
    while (this.#records.length - this.#head > this.#limits.records || this.#bytes > this.#limits.bytes) {
      const oldest = this.#records[this.#head]
      if (oldest === undefined) break
      this.#bytes -= sizeOf(oldest)
      this.#records[this.#head++] = undefined as never
      this.#dropped++
    }
    if (this.#head > Math.max(1024, this.#records.length / 2)) {
      this.#records = this.#records.slice(this.#head)
      this.#head = 0
    }
  }

  /** How many records there were so far. */
  get count(): number {
    return this.#dropped + this.#records.length - this.#head
  }

  get snapshot(): Trace.Trace {
    this.#settle()
    return {
      records: this.#records.slice(this.#head),
      dropped: this.#dropped,
      hosts: [...this.hosts],
      hash: hex(this.#low) + hex(this.#high)
    }
  }

  #settle(): void {
    if (this.#unsettled !== undefined) this.#hashRecord(this.#unsettled)
    this.#unsettled = undefined
  }

  #mix(value: number): void {
    const low = Math.imul(this.#low ^ value, 0x01000193)
    this.#low = (low ^ (low >>> 15)) | 0
    this.#high = (Math.imul(this.#high ^ (value + (this.#low >>> 7)), 0x85ebca6b) + 0x165667b1) | 0
  }

  #mixText(text: string): void {
    let value = this.#names.get(text)
    if (value === undefined) {
      value = 0x811c9dc5
      for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
      if (this.#names.size < 4096) this.#names.set(text, value)
    }
    this.#mix(value)
  }

  #hashRecord(record: Trace.Record): void {
    this.#mix(record.at | 0)
    this.#mix(Math.floor(record.at / 4294967296))
    this.#mixText(record._tag)
    if (record._tag === "Fault") return this.#mixText(record.name)
    if (record._tag === "Note") return this.#mixText(`${record.host} ${record.kind} ${record.text}`)
    if (record._tag === "Disk") {
      return this.#mixText(`${record.host} ${record.operation} ${record.path} ${record.bytes} ${record.error}`)
    }
    this.#mixText(record.source.address)
    this.#mix(record.source.port)
    this.#mixText(record.destination.address)
    this.#mix(record.destination.port)
    if (record._tag === "Timer") return this.#mixText(record.name)
    this.#mixText(record.fate)
    this.#mix((record.arrival ?? 0) | 0)
    if (record._tag === "Segment") {
      this.#mix(record.flags)
      this.#mix(record.sequence | 0)
      this.#mix(record.sequenceBase | 0)
      this.#mix(record.acknowledgment | 0)
      this.#mix(record.window)
    }
    const { payload } = record
    this.#mix(payload.length)
    // Of a long payload, some bytes stand for all.
    const step = Math.max(1, payload.length / 32)
    for (let index = 0; index < payload.length; index += step) this.#mix(payload[Math.floor(index)]!)
  }
}

const sizeOf = (record: Trace.Record): number =>
  record._tag === "Segment" || record._tag === "Datagram" ? record.payload.length : 0

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, "0")
