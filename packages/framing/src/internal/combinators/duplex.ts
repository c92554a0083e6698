import type { Framing } from "../../Framing.ts"
import { derive, stateful } from "../define.ts"

/**
 * Two framings as one: what is sent is in one, what is received in the other. For protocols whose requests and replies
 * differ.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Result from "effect/Result"
 *
 * // A client that sends lines, and receives how many bytes follow and the bytes.
 * const client = Framing.duplex({ outgoing: Framing.lines(), incoming: Framing.lengthPrefixed() })
 * const server = Framing.duplex({ outgoing: Framing.lengthPrefixed(), incoming: Framing.lines() })
 *
 * const request = Result.getOrThrow(Framing.encodeAll(client, ["hello"]))
 * Framing.decodeAll(server, request) // "hello"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const duplex = <Out, In>(framings: {
  readonly outgoing: Framing<Out, unknown>
  readonly incoming: Framing<never, In>
}): Framing<Out, In> =>
  derive(
    [framings.outgoing, framings.incoming],
    () => stateful(framings.incoming.makeDecode, framings.outgoing.encode)
  )
