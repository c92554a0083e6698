import * as Framing from "@sluice/framing/Framing"
import * as Pipeable from "effect/Pipeable"
import type * as Framed from "../../Framed.ts"
import type { ConnectionState } from "../connection/state.ts"
import { Outbox } from "./outbox.ts"
import { Receivers } from "./receivers.ts"

export const TypeId = "~@sluice/core/Framed"

/** The state behind a `Framed`. */
export class FramedState<Out, In> extends Pipeable.Class implements Framed.Framed<Out, In> {
  declare readonly [TypeId]: Framed.Variance<Out, In>
  readonly connection: ConnectionState
  readonly decoder: Framing.Decoder<In>
  readonly encoder: Framing.Encoder<Out>
  readonly outbox: Outbox<Out>
  /** Whether a request was interrupted before its answer came: no answer can be told from another any more. */
  isOutOfStep = false
  #receivers: Receivers<In> | undefined = undefined

  constructor(connection: ConnectionState, decoder: Framing.Decoder<In>, encoder: Framing.Encoder<Out>) {
    super()
    this.connection = connection
    this.decoder = decoder
    this.encoder = encoder
    this.outbox = new Outbox(connection, encoder)
    // What the decoder still holds was sent in the clear, should the connection be upgraded.
    connection.decoder = decoder
  }

  get receivers(): Receivers<In> {
    return this.#receivers ??= new Receivers(this.connection, this.decoder)
  }
}

export const stateOf = <Out, In>(framed: Framed.Framed<Out, In>): FramedState<Out, In> => framed as FramedState<Out, In>

/** Puts a framing on a connection, or in the place of another, which is not to be used any more. */
export const makeState = <Out, In>(
  connection: ConnectionState,
  framing: Framing.Framing<Out, In>,
  before?: Pick<FramedState<never, unknown>, "decoder" | "encoder">
): FramedState<Out, In> =>
  new FramedState(
    connection,
    before === undefined ? Framing.makeDecoder(framing) : before.decoder.switchTo(framing),
    Framing.makeEncoder(framing, { offset: before?.encoder.offset })
  )
