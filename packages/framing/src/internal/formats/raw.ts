import type { Framing } from "../../Framing.ts"
import { stateless } from "../define.ts"

/**
 * Bytes as they come: each chunk is a frame, and an empty frame adds no bytes and does not arrive.
 *
 * This is the one framing whose frames depend on how the network split the bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const raw: Framing<Uint8Array> = stateless(
  (input) => input.take(input.end - input.start),
  (frame, output) => output.write(frame)
)
