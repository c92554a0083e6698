/** The URL of a Redis, as its clients write it: `redis://user:password@host:port`, `rediss://…` over TLS, `unix:///path`. */
import * as Endpoint from "@sluice/core/Endpoint"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Options } from "./RedisClient.ts"

const schemes: Readonly<Record<string, string>> = { "redis:": "tcp", "rediss:": "tls" }

/** Parses a URL. */
export const parse = (text: string): Option.Option<Options> => {
  if (text.startsWith("unix://")) return Option.map(endpointOf(text), (endpoint) => ({ endpoint }))
  const url = URL.parse(text)
  const scheme = url === null ? undefined : schemes[url.protocol]
  if (url === null || scheme === undefined || url.hostname === "" || !/^\/?$/.test(url.pathname)) return Option.none()
  return Option.map(
    Option.all([
      endpointOf(`${scheme}://${url.hostname}:${url.port || "6379"}`),
      decode(url.username),
      decode(url.password)
    ]),
    ([endpoint, username, password]) => ({
      endpoint,
      username: username === "" ? undefined : username,
      password: password === "" ? undefined : Redacted.make(password)
    })
  )
}

const decode = Option.liftThrowable(decodeURIComponent)

const endpointOf = (text: string) =>
  Option.filter(
    Option.getSuccess(Endpoint.parse(text)),
    ({ _tag }) => _tag === "Tcp" || _tag === "Tls" || _tag === "Unix"
  )
