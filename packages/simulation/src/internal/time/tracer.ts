import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { RandomStream } from "./random.ts"

/** Spans whose identifiers the seed decides: they travel in messages, as in those of Effect's RPC. */
export const seededTracer = (random: RandomStream): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      if (Option.isNone(options.parent)) span._traceId = hex(random, 32)
      span._spanId = hex(random, 16)
      return span
    }
  })

const hex = (random: RandomStream, length: number): string =>
  Array.from({ length: length / 8 }, () => random.bits().toString(16).padStart(8, "0")).join("")
