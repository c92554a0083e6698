import { describe, expect, it } from "@effect/vitest"
import * as Endpoint from "@sluice/core/Endpoint"
import * as EndpointSchema from "@sluice/core/EndpointSchema"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

describe("EndpointSchema", () => {
  it.effect("reads and writes endpoints as text", () =>
    Effect.gen(function*() {
      const endpoint = yield* Schema.decodeUnknownEffect(EndpointSchema.EndpointFromString)("udp://[::1]:53")
      expect(endpoint).toEqual(Endpoint.udp("::1", 53))
      expect(yield* Schema.encodeEffect(EndpointSchema.EndpointFromString)(endpoint)).toBe("udp://[::1]:53")
    }))

  it.effect("writes nothing but endpoints", () =>
    Effect.gen(function*() {
      const encode = Schema.encodeUnknownEffect(EndpointSchema.EndpointFromString)
      for (const text of ["tcp://127.0.0.1:1", "tls://[::1]:2", "udp://127.0.0.1:3", "unix:///a"]) {
        expect(yield* encode(Result.getOrThrow(Endpoint.parse(text)))).toBe(text)
      }
      for (const value of [{ _tag: "Http" }, { host: "127.0.0.1", port: 1 }, null, "tcp://127.0.0.1:1"]) {
        // A typed error, and not a defect.
        expect((yield* Effect.flip(encode(value)))._tag).toBe("SchemaError")
      }
    }))

  it.effect("says what is wrong", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Schema.decodeUnknownEffect(EndpointSchema.EndpointFromString)("localhost:70000"))
      expect(error.message).toContain("a whole number from 0 to 65535")
    }))

  it.effect("reads configuration", () =>
    Effect.gen(function*() {
      const endpoint = yield* Config.schema(EndpointSchema.EndpointFromString, "LISTEN")
      expect(Endpoint.format(endpoint)).toBe("unix:///run/app.sock")
    }).pipe(
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromUnknown({ LISTEN: "unix:///run/app.sock" })
      )
    ))
})
