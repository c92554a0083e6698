import type { Decoder, Encoder, Framing } from "../../Framing.ts"
import type { FramingError } from "../../FramingError.ts"
import { type NoFrame, noFrame } from "../../FramingInput.ts"
import { InputBuffer } from "./decodeBuffer.ts"
import type { Decode, Encode } from "./define.ts"
import { OutputBuffer } from "./encodeBuffer.ts"

export class DecoderOf<In> implements Decoder<In> {
  readonly #input: InputBuffer
  readonly #decode: Decode<In>

  constructor(framing: Framing<never, In>, offset: number) {
    this.#input = new InputBuffer(offset)
    this.#decode = framing.makeDecode()
    if (framing.invalid !== undefined) this.#input.fail(framing.invalid)
  }

  get error(): FramingError | undefined {
    return this.#input.error
  }

  get offset(): number {
    return this.#input.position
  }

  get buffered(): number {
    return this.#input.buffered
  }

  feed(chunk: Uint8Array): void {
    if (this.#input.error === undefined) this.#input.feed(chunk)
  }

  // Small, so that it can be inlined with the decode function where frames are taken.
  next(): In | NoFrame {
    const input = this.#input
    if (input.end - input.start >= input.needed) {
      input.begun = input.start
      const frame = this.#decode(input)
      if (frame !== noFrame) return frame
    }
    return this.#nextAfterMore()
  }

  #nextAfterMore(): In | NoFrame {
    const input = this.#input
    if (input.needed <= input.end - input.start) input.more()
    while (input.gather()) {
      input.begun = input.start
      const frame = this.#decode(input)
      if (frame !== noFrame) return frame
      if (input.needed <= input.end - input.start) input.more()
    }
    return input.finished ? this.#last() : noFrame
  }

  finish(): void {
    this.#input.finished = true
  }

  remainder(): Uint8Array {
    return this.#input.remainder()
  }

  /** Decodes what is left when the input has ended. */
  #last(): In | NoFrame {
    const input = this.#input
    if (input.error !== undefined) return noFrame
    if (input.start < input.end) {
      input.begun = input.start
      input.needed = 1
      const frame = this.#decode(input)
      if (frame !== noFrame || input.error !== undefined) return frame
      if (input.needed <= input.end - input.start) input.more()
    }
    input.truncate()
    return noFrame
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
    this.#encode(frame, this.#output)
    const error = this.#output.error
    if (error !== undefined) this.#output.rollback()
    return error
  }

  drain(): Array<Uint8Array> {
    return this.#output.drain()
  }
}
