/**
 * Modbus, on a serial line (RTU, with CRC-16) and over TCP: https://www.modbus.org/modbus-specifications
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"

const address = Codec.uint16be
const range = { address, quantity: Codec.uint16be }
const registers = Codec.repeat(Codec.uint16be, { limit: 125 })

/**
 * What a client asks, without the envelope.
 *
 * @category codecs
 * @since 0.1.0
 */
export const request = Codec.tagged(Codec.uint8, {
  ReadCoils: [1, range],
  ReadDiscreteInputs: [2, range],
  ReadHoldingRegisters: [3, range],
  ReadInputRegisters: [4, range],
  /** 0xff00 is on, 0 is off. */
  WriteSingleCoil: [5, { address, value: Codec.enumeration(Codec.uint16be, { on: 0xff00, off: 0 }) }],
  WriteSingleRegister: [6, { address, value: Codec.uint16be }],
  WriteMultipleCoils: [15, { ...range, length: Codec.lengthOf("coils", Codec.uint8), coils: Codec.bytes() }],
  WriteMultipleRegisters: [16, {
    address,
    count: Codec.countOf("registers", Codec.uint16be),
    length: Codec.lengthOf("registers", Codec.uint8),
    registers
  }]
})

const coils = { length: Codec.lengthOf("coils", Codec.uint8), coils: Codec.bytes() }
const values = { length: Codec.lengthOf("registers", Codec.uint8), registers }

/**
 * What a server answers, without the envelope. An exception has 128 added to its function.
 *
 * @category codecs
 * @since 0.1.0
 */
export const response = Codec.taggedOr(Codec.uint8, {
  ReadCoils: [1, coils],
  ReadDiscreteInputs: [2, coils],
  ReadHoldingRegisters: [3, values],
  ReadInputRegisters: [4, values],
  WriteSingleCoil: [5, { address, value: Codec.enumeration(Codec.uint16be, { on: 0xff00, off: 0 }) }],
  WriteSingleRegister: [6, { address, value: Codec.uint16be }],
  WriteMultipleCoils: [15, range],
  WriteMultipleRegisters: [16, range]
}, { tag: "Exception", as: "function", fields: { code: Codec.uint8 } })

/**
 * A frame on a serial line.
 *
 * @category codecs
 * @since 0.1.0
 */
export const rtu = <A>(pdu: Codec.Codec<A>) =>
  Codec.struct({
    unit: Codec.uint8,
    pdu,
    crc: Codec.checksum("crc16-modbus", Codec.uint16le)
  }).pipe(Codec.limit(256), Codec.named("frame"))

/**
 * A frame on a TCP connection.
 *
 * @category codecs
 * @since 0.1.0
 */
export const tcp = <A>(pdu: Codec.Codec<A>) =>
  Codec.struct({
    transaction: Codec.uint16be,
    protocol: Codec.literal(Uint8Array.of(0, 0)),
    length: Codec.lengthOfRest(Codec.uint16be, { limit: 254 }),
    unit: Codec.uint8,
    pdu
  }).pipe(Codec.named("frame"))
