import type * as Framing from "@sluice/framing/Framing"

/**
 * How the messages of a port are found in bytes, for `toHtml`: by a framing (`Codec.framing(codec)` for a codec); by one for
 * each direction, where `requests` go to the port; or by a function that names the payload of one packet.
 *
 * @since 0.1.0
 * @category options
 */
export type MessageDecoder =
  | Framing.Framing<never, unknown>
  | { readonly requests: Framing.Framing<never, unknown>; readonly responses: Framing.Framing<never, unknown> }
  | ((payload: Uint8Array) => string)

/**
 * The options of `toHtml`.
 *
 * @since 0.1.0
 * @category options
 */
export interface HtmlOptions {
  /** The heading. Default: `"Simulation"`. */
  readonly title?: string | undefined
  /** Names and values that are shown below the heading, such as the seed. Default: none. */
  readonly facts?: Readonly<Record<string, string>> | undefined
  /** Where the page opens, in microseconds, and why. Default: the last failure that the trace has. */
  readonly failure?: { readonly at: number; readonly text: string } | undefined
  /** How the messages of a port are decoded. Default: short texts are shown as they are. */
  readonly decode?: Readonly<Record<number, MessageDecoder>> | undefined
  /**
   * How many records the page has: the last ones; or the last half of them, and as many around the failure, if that is
   * earlier. Default: 10,000.
   */
  readonly records?: number | undefined
}
