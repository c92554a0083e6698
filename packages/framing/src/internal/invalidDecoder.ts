/**
 * A decode function breaks its contract: it returns a frame that takes no bytes, or consumes bytes that are not there. A
 * defect of the program, thrown before it can loop forever.
 */
export class InvalidDecoder extends Error {
  override readonly name = "InvalidDecoder"

  constructor(why: string) {
    super(`the decode function of a framing is invalid: ${why}`)
  }
}
