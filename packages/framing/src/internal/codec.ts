import type { Decoder, Encoder, Framing } from "../Framing.ts"
import type { FramingError } from "../FramingError.ts"
import { type NoFrame, noFrame } from "../FramingInput.ts"
import { DecodeBuffer } from "./decodeBuffer.ts"
import type { Decode, Encode } from "./define.ts"
import { EncodeBuffer } from "./encodeBuffer.ts"
import { InvalidDecoder } from "./invalidDecoder.ts"

export class StreamDecoder<In> implements Decoder<In> {
  #input: DecodeBuffer
  readonly #decode: Decode<In>

  constructor(framing: Framing<never, In>, input: DecodeBuffer, decode: Decode<In> = framing.makeDecode()) {
    this.#input = input
    this.#decode = decode
    if (framing.invalid !== undefined) input.fail(framing.invalid)
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
    if (this.#input.error === undefined) this.#input.append(chunk)
  }

  // Small, so that it can be inlined with the decode function where frames are taken.
  next(): In | NoFrame {
    const input = this.#input
    if (input.copied > 0) input.settle()
    if (input.end - input.start >= input.needed) {
      input.begun = input.start
      const frame = this.#decode(input)
      if (frame !== noFrame) {
        if (input.start === input.begun) checkProgress(input)
        return frame
      }
      input.sayMore()
    }
    return this.#nextAfterMore()
  }

  #nextAfterMore(): In | NoFrame {
    const input = this.#input
    while (input.gather()) {
      input.begun = input.start
      const frame = this.#decode(input)
      if (frame !== noFrame) {
        if (input.start === input.begun) checkProgress(input)
        return frame
      }
      input.sayMore()
    }
    return input.finished ? this.#last() : noFrame
  }

  finish(): void {
    this.#input.finished = true
  }

  remainder(): Uint8Array {
    if (this.#input.dropping) {
      throw new Error(
        "the decoder is skipping a bad frame whose end has not come, so nothing can be taken; use switchTo"
      )
    }
    return this.#input.remainder()
  }

  switchTo<In2>(framing: Framing<never, In2>): Decoder<In2> {
    const input = this.#input
    this.#input = new DecodeBuffer(input.position)
    input.recover()
    const next = framing.makeDecode()
    return new StreamDecoder(framing, input, input.dropping ? after(this.#decode, next) : next)
  }

  /** Decodes what is left when the input has ended. */
  #last(): In | NoFrame {
    const input = this.#input
    while (input.error === undefined && (input.start < input.end || input.dropping)) {
      const { position } = input
      input.begun = input.start
      input.needed = 1
      const frame = this.#decode(input)
      if (frame !== noFrame) {
        if (input.start === input.begun) checkProgress(input)
        return frame
      }
      input.sayMore()
      if (input.position === position) break
    }
    if (input.error === undefined) input.truncate()
    return noFrame
  }
}

/** A frame that takes no bytes is found again forever. */
const checkProgress = (input: DecodeBuffer): void => {
  if (!input.dropping) throw new InvalidDecoder("it returns a frame without consuming it; take or skip its bytes")
}

/** Decodes as before until the frame that is being dropped is over, and then as `next`. */
const after = <In>(before: Decode<unknown>, next: Decode<In>): Decode<In> => (input) => {
  if (!input.dropping) return next(input)
  before(input)
  return noFrame
}

export class StreamEncoder<Out> implements Encoder<Out> {
  readonly #output: EncodeBuffer
  readonly #encode: Encode<Out>

  constructor(framing: Framing<Out, unknown>, offset: number) {
    this.#output = new EncodeBuffer(offset)
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
