/** The files of the page, served by Effect's HTTP. They are read once, and sent with a strict Content-Security-Policy. */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { gzipSync } from "node:zlib"

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml"
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

const headers = {
  "cache-control": "no-cache",
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  vary: "accept-encoding"
}

interface File {
  readonly type: string
  readonly etag: string
  readonly bytes: Uint8Array
  readonly compressed: Uint8Array
}

const read = (folder: URL): ReadonlyMap<string, File> => {
  const files = new Map<string, File>()
  for (const name of readdirSync(folder)) {
    const type = types[name.slice(name.lastIndexOf(".") + 1)]
    if (type === undefined) continue
    const bytes = readFileSync(new URL(name, folder))
    const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`
    files.set(name === "index.html" ? "/" : `/${name}`, { type, etag, bytes, compressed: gzipSync(bytes) })
  }
  return files
}

/** The page, and the files that it needs. */
export const make = Effect.map(
  Effect.sync(() => read(new URL("page/", import.meta.url))),
  (files) =>
    Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
      const file = files.get(request.url.replace(/\?.*$/s, ""))
      if (file === undefined) return HttpServerResponse.text("not found\n", { status: 404, headers })
      if (request.method !== "GET" && request.method !== "HEAD") {
        return HttpServerResponse.text("not allowed\n", { status: 405, headers: { ...headers, allow: "GET, HEAD" } })
      }
      if (request.headers["if-none-match"] === file.etag) {
        return HttpServerResponse.empty({ status: 304, headers: { ...headers, etag: file.etag } })
      }
      const isCompressed = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "")
      return HttpServerResponse.uint8Array(isCompressed ? file.compressed : file.bytes, {
        contentType: file.type,
        headers: { ...headers, etag: file.etag, ...(isCompressed && { "content-encoding": "gzip" }) }
      })
    })
)
