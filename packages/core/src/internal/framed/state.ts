import type { Decoder, Encoder } from "@sluice/framing/Framing"
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
  readonly decoder: Decoder<In>
  readonly encoder: Encoder<Out>
  readonly outbox: Outbox<Out>
  readonly receivers: Receivers<In>
  /** Whether a request was interrupted before its answer came: no answer can be told from another any more. */
  isOutOfStep = false

  constructor(connection: ConnectionState, decoder: Decoder<In>, encoder: Encoder<Out>) {
    super()
    this.connection = connection
    this.decoder = decoder
    this.encoder = encoder
    this.outbox = new Outbox(connection, encoder)
    this.receivers = new Receivers(connection, decoder)
    // What the decoder still holds was sent in the clear, should the connection be upgraded.
    connection.decoder = decoder
  }
}

export const stateOf = <Out, In>(framed: Framed.Framed<Out, In>): FramedState<Out, In> => framed as FramedState<Out, In>
