import { assert, describe, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as Tls from "@sluice/core/Tls"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"

const missing = FileSystem.layerNoop({})

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

  it.effect("that do not exist are named, with what to do", () =>
    Effect.gen(function*() {
      const { message } = yield* Effect.flip(Tls.loadClient({ authorities: "/ca.pem" }))
      assert.strictEqual(message, "cannot set up /ca.pem: the file is not usable: it does not exist; check the path")
    }).pipe(Effect.provide(missing)))

  it.effect("whose chain and key are swapped are told apart", () =>
    Effect.gen(function*() {
      const { chain, key } = SimCertificate.authority("Test CA").issue({ names: ["localhost"] })
      const host = yield* SimNetwork.host("host")
      const tls = { certificates: [{ chain: key, key: chain }] } as const
      const { message } = yield* Effect.flip(
        Host.run(host, Effect.scoped(Network.listen("tls://127.0.0.1:1", { tls })))
      )
      assert.include(message, "chain is not usable: it is a private key; give the certificate as chain")
    }).pipe(Effect.provide(SimNetwork.layer())))
})
