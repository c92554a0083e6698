/**
 * The base protocol of the Language Server Protocol, and of JSON-RPC like it: headers, an empty line, JSON.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"
import { utf8Length } from "../internal/fields/text.ts"

/**
 * A header of a message.
 *
 * @category models
 * @since 0.1.0
 */
export interface Header {
  readonly name: string
  readonly value: string
}

const header: Codec.Codec<Header> = Codec.struct({
  name: Codec.delimited(": ", Codec.text("ascii")),
  value: Codec.delimited("\r\n", Codec.text("ascii"))
})

const isLength = ({ name }: Header): boolean => name.toLowerCase() === "content-length"

const lengthIn = ({ headers }: { readonly headers: ReadonlyArray<Header> }): number =>
  Number(headers.find(isLength)?.value)

/**
 * A message: its content as text, and its headers but for the length, which follows from the content.
 *
 * @category codecs
 * @since 0.1.0
 */
export const message = Codec.struct({
  headers: Codec.repeat(header, { until: "\r\n", limit: 16 }),
  content: Codec.sizedBy(lengthIn, Codec.text())
}).pipe(
  Codec.map(
    ({ content, headers }) => ({ headers: headers.filter((header) => !isLength(header)), content }),
    ({ content, headers }) => ({
      headers: [
        { name: "Content-Length", value: String(utf8Length(content)) },
        ...headers.filter((header) => !isLength(header))
      ],
      content
    })
  ),
  Codec.named("message")
)
