/** What producers and workers ask of a job queue, and what its journal keeps. */
import * as Codec from "@sluice/codec/Codec"

const number = Codec.varint()
const text = Codec.lengthPrefixed(Codec.varint(), Codec.text(), { limit: 65_536 })

const message = Codec.tagged(Codec.uint8, {
  /** `id` is chosen by the producer: a job that is put again is the same job. */
  Put: [1, { id: text, work: text }],
  Take: [2],
  Done: [3, { id: text, fence: number }],
  Accepted: [4],
  /** A job, until the lease ends. `fence` is larger than that of all leases before. */
  Job: [5, { id: text, work: text, fence: number, leaseMillis: number }],
  Nothing: [6],
  /** The lease has ended: another worker has the job, or will have it. */
  Late: [7]
}).pipe(Codec.named("message"))

export type Message = Codec.Type<typeof message>

export const framing = Codec.framing(message, { maxFrameLength: 256 * 1024 })

/** `Started` counts the starts of the server, so that no two give the same fence. */
export const record = Codec.tagged(Codec.uint8, {
  Started: [1, { count: number }],
  Put: [2, { id: text, work: text }],
  Done: [3, { id: text }]
}).pipe(Codec.named("record"))

export type Record = Codec.Type<typeof record>
