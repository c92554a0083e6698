/**
 * Messages of the PostgreSQL frontend/backend protocol 3.0: https://www.postgresql.org/docs/current/protocol-message-formats.html
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"

const string = Codec.delimited("\0", Codec.text())
const length = Codec.lengthOfRest(Codec.uint32be, { add: 4, limit: 1024 * 1024 * 1024 })
const data = Codec.bytes()
const column = Codec.lengthPrefixed(Codec.int32be, Codec.bytes(), { absent: -1 })
const formats = Codec.countPrefixed(Codec.uint16be, Codec.uint16be)

const fields = Codec.repeat(Codec.struct({ code: Codec.sized(1, Codec.text("ascii")), value: string }), { until: "\0" })

/**
 * The first message of a connection, which has no type byte.
 *
 * @category codecs
 * @since 0.1.0
 */
export const startup = Codec.struct({
  length: Codec.lengthOfRest(Codec.uint32be, { add: 4, limit: 10_000 }),
  request: Codec.tagged(Codec.uint32be, {
    Startup: [196608, {
      parameters: Codec.repeat(Codec.struct({ name: string, value: string }), { until: "\0" })
    }],
    SslRequest: [80877103],
    GssEncRequest: [80877104],
    Cancel: [80877102, { processId: Codec.uint32be, secretKey: Codec.uint32be }]
  })
}).pipe(Codec.named("startup"))

/**
 * What a client sends after the start-up.
 *
 * @category codecs
 * @since 0.1.0
 */
export const frontend = Codec.taggedByPrefix({
  Bind: ["B", {
    length,
    portal: string,
    statement: string,
    formats,
    values: Codec.countPrefixed(Codec.uint16be, column),
    resultFormats: formats
  }],
  Close: ["C", { length, kind: Codec.sized(1, Codec.text("ascii")), name: string }],
  CopyData: ["d", { length, data }],
  CopyDone: ["c", { length }],
  CopyFail: ["f", { length, reason: string }],
  Describe: ["D", { length, kind: Codec.sized(1, Codec.text("ascii")), name: string }],
  Execute: ["E", { length, portal: string, maxRows: Codec.uint32be }],
  Flush: ["H", { length }],
  Parse: ["P", { length, name: string, query: string, types: Codec.countPrefixed(Codec.uint16be, Codec.uint32be) }],
  /** A password, or a message of SASL: the authentication that is in progress says which. */
  Password: ["p", { length, data }],
  Query: ["Q", { length, query: string }],
  Sync: ["S", { length }],
  Terminate: ["X", { length }]
}).pipe(Codec.named("message"))

/**
 * What a server sends.
 *
 * @category codecs
 * @since 0.1.0
 */
export const backend = Codec.taggedByPrefix({
  Authentication: ["R", { length, code: Codec.uint32be, data }],
  BackendKeyData: ["K", { length, processId: Codec.uint32be, secretKey: Codec.uint32be }],
  BindComplete: ["2", { length }],
  CloseComplete: ["3", { length }],
  CommandComplete: ["C", { length, command: string }],
  CopyData: ["d", { length, data }],
  CopyDone: ["c", { length }],
  CopyInResponse: ["G", { length, format: Codec.uint8, formats }],
  CopyOutResponse: ["H", { length, format: Codec.uint8, formats }],
  DataRow: ["D", { length, columns: Codec.countPrefixed(Codec.uint16be, column) }],
  EmptyQuery: ["I", { length }],
  ErrorResponse: ["E", { length, fields }],
  NoData: ["n", { length }],
  Notice: ["N", { length, fields }],
  Notification: ["A", { length, processId: Codec.uint32be, channel: string, payload: string }],
  ParameterDescription: ["t", { length, types: Codec.countPrefixed(Codec.uint16be, Codec.uint32be) }],
  ParameterStatus: ["S", { length, name: string, value: string }],
  ParseComplete: ["1", { length }],
  PortalSuspended: ["s", { length }],
  ReadyForQuery: ["Z", { length, status: Codec.sized(1, Codec.text("ascii")) }],
  RowDescription: ["T", {
    length,
    columns: Codec.countPrefixed(
      Codec.uint16be,
      Codec.struct({
        name: string,
        table: Codec.uint32be,
        column: Codec.uint16be,
        type: Codec.uint32be,
        typeSize: Codec.int16be,
        modifier: Codec.int32be,
        format: Codec.uint16be
      })
    )
  }]
}).pipe(Codec.named("message"))
