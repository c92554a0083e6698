import { assert, describe, it } from "@effect/vitest"
import * as Tls from "@sluice/core/Tls"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"

const files = FileSystem.layerNoop({ readFileString: (path) => Effect.succeed(`PEM of ${path}`) })

describe("files of TLS", () => {
  it.effect("are one path or several", () =>
    Effect.gen(function*() {
      const read = yield* Tls.loadClient({ authorities: "/ca.pem", revocationLists: ["/one.pem", "/two.pem"] })
      assert.deepStrictEqual(read, {
        authorities: ["PEM of /ca.pem"],
        revocationLists: ["PEM of /one.pem", "PEM of /two.pem"]
      })
    }).pipe(Effect.provide(files)))
})
