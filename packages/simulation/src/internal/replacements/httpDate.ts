import { builtin } from "../sandbox/builtin.ts"
import { install, type Replace } from "../sandbox/patches.ts"
import { awaiting } from "../sandbox/place.ts"

// Node caches the text of the real date for up to a second.
const date = (): string | undefined => {
  const { Date } = globalThis as unknown as { readonly Date: DateConstructor }
  return awaiting() === undefined ? undefined : new Date().toUTCString()
}

interface Outgoing {
  sendDate: boolean
  readonly hasHeader: (name: string) => boolean
}

type Headers = Readonly<Record<string, unknown>> | ReadonlyArray<unknown> | undefined

const hasDate = (headers: Headers): boolean => {
  if (headers === undefined || headers === null) return false
  const names = Array.isArray(headers)
    ? (headers as ReadonlyArray<unknown>).map((each) => Array.isArray(each) ? each[0] as unknown : each)
    : Object.keys(headers)
  return names.some((name) => typeof name === "string" && name.toLowerCase() === "date")
}

type StoreHeader = (this: Outgoing, firstLine: string, headers: Headers) => unknown

interface RespondOptions {
  readonly sendDate?: boolean | undefined
}

type Respond = (this: object, headers: Headers, options: RespondOptions | undefined) => unknown

const replaceRespond = (replace: Replace, stream: object) =>
  replace(
    Object.getPrototypeOf(stream) as object,
    "respond",
    (original: Respond) =>
      function(this: object, headers: Headers, options: RespondOptions = {}) {
        const text = options.sendDate === false || hasDate(headers) ? undefined : date()
        if (text === undefined) return original.call(this, headers, options)
        const dated = Array.isArray(headers) ? [...headers as Array<unknown>, "date", text] : { ...headers, date: text }
        return original.call(this, dated, { ...options, sendDate: false })
      }
  )

type CreateServer = (this: unknown, ...args: Array<unknown>) => {
  readonly prependListener: (event: "stream", listener: (stream: object) => void) => unknown
}

/** The `Date` header of node:http: the virtual date, for code that runs in a simulation. */
export const replaceHttpDate = (replace: Replace): void => {
  const http = builtin("node:http") as { readonly OutgoingMessage: { readonly prototype: object } } | undefined
  replace(
    http?.OutgoingMessage.prototype,
    "_storeHeader",
    (original: StoreHeader) =>
      function(this: Outgoing, firstLine: string, headers: Headers) {
        const text = this.sendDate && !hasDate(headers) ? date() : undefined
        if (text === undefined) return original.call(this, firstLine, headers)
        this.sendDate = false
        try {
          return original.call(this, `${firstLine}Date: ${text}\r\n`, headers)
        } finally {
          this.sendDate = true
        }
      }
  )
}

/** The `Date` header of node:http2. */
export const replaceHttp2Date = (replace: Replace): void => {
  const http2 = builtin("node:http2") as object | undefined
  // The class of streams is not exported.
  const onStream = (stream: object) => void install("http2 streams", (replace) => replaceRespond(replace, stream))
  for (const name of ["createServer", "createSecureServer"]) {
    replace(http2, name, (original: CreateServer) =>
      function(this: unknown, ...args: Array<unknown>) {
        const server = original.apply(this, args)
        if (awaiting() !== undefined) server.prependListener("stream", onStream)
        return server
      })
  }
}
