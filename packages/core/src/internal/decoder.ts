import type { Decoder, Encoder, Framing } from "../Framing.ts"
import { type Pending, pending } from "../framing/Input.ts"
import { FramingError } from "../FramingError.ts"
import type { Decode, Encode } from "./framing.ts"
import { InputBuffer } from "./inputBuffer.ts"
import { OutputBuffer } from "./outputBuffer.ts"

export class DecoderOf<In> implements Decoder<In> {
  readonly #input: InputBuffer
  readonly #decode: Decode<In>
  #failure: FramingError | undefined

  constructor(framing: Framing<never, In>, offset: number) {
    this.#input = new InputBuffer(offset)
    this.#decode = framing.makeDecode()
    this.#failure = framing.invalid
  }

  get offset(): number {
    return this.#input.position
  }

  get buffered(): number {
    return this.#input.buffered
  }

  feed(chunk: Uint8Array): void {
    if (this.#failure === undefined) this.#input.feed(chunk)
  }

  next(): In | Pending | FramingError {
    if (this.#failure !== undefined) return this.#failure
    const input = this.#input
    while (input.end - input.start >= input.needed || input.gather()) {
      input.begin()
      const result = this.#decode(input)
      if (result === pending) {
        if (input.needed <= input.end - input.start) input.more()
      } else {
        if (result instanceof FramingError) this.#failure = result
        return result
      }
    }
    return input.finished ? this.#last() : pending
  }

  finish(): void {
    this.#input.finished = true
  }

  remainder(): Uint8Array {
    return this.#input.remainder()
  }

  /** Decodes what is left when the input has ended. */
  #last(): In | Pending | FramingError {
    const input = this.#input
    if (input.start < input.end) {
      input.begin()
      const result = this.#decode(input)
      if (result !== pending) {
        if (result instanceof FramingError) this.#failure = result
        return result
      }
    }
    const result = input.truncated()
    if (result !== pending) this.#failure = result
    return result
  }
}

export class EncoderOf<Out> implements Encoder<Out> {
  readonly #output: OutputBuffer
  readonly #encode: Encode<Out>

  constructor(framing: Framing<Out, unknown>, offset: number) {
    this.#output = new OutputBuffer(offset)
    this.#encode = framing.encode
  }

  get offset(): number {
    return this.#output.position
  }

  encode(frame: Out): FramingError | undefined {
    this.#output.begin()
    const error = this.#encode(frame, this.#output)
    if (!(error instanceof FramingError)) return undefined
    this.#output.rollback()
    return error
  }

  drain(): Array<Uint8Array> {
    return this.#output.drain()
  }
}
