import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as CertificateName from "@sluice/core/CertificateName"
import * as Tls from "@sluice/core/Tls"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { isDeepStrictEqual } from "node:util"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"
import { connect, listen } from "./fixtures/handshake.ts"

const authority = await Effect.runPromise(Certificates.authority("Test CA"))
const pairs = await Effect.runPromise(
  Effect.all(["0", "1", "2", "3"].map((name) => authority.issue({ commonName: name, names: ["localhost"] })))
)

type Pair = { readonly chain: string; readonly key: string }

const put = (folder: string, { chain, key }: Pair) => {
  Fs.mkdirSync(folder, { recursive: true })
  Fs.writeFileSync(Path.join(folder, "tls.crt"), chain)
  Fs.writeFileSync(Path.join(folder, "tls.key"), key, { mode: 0o600 })
}
const names = ["tls.crt", "tls.key"] as const

interface Way {
  /** Where the server is told that its files are. */
  readonly folder: string
  readonly first: (root: string, pair: Pair) => void
  readonly replace: (root: string, pair: Pair, n: number) => void
}

const ways: Record<string, Way> = {
  "written in place": { folder: ".", first: put, replace: put },
  "renamed over": {
    folder: ".",
    first: put,
    replace: (root, pair) => {
      put(`${root}/new`, pair)
      for (const name of names) Fs.renameSync(`${root}/new/${name}`, `${root}/${name}`)
    }
  },
  "deleted and made again": {
    folder: ".",
    first: put,
    replace: (root, pair) => {
      for (const name of names) Fs.rmSync(`${root}/${name}`)
      put(root, pair)
    }
  },
  "by Kubernetes: the link of links is swapped": {
    folder: ".",
    first: (root, pair) => {
      put(`${root}/..0`, pair)
      Fs.symlinkSync("..0", `${root}/..data`)
      for (const name of names) Fs.symlinkSync(`..data/${name}`, `${root}/${name}`)
    },
    replace: (root, pair, n) => {
      put(`${root}/..${n}`, pair)
      Fs.symlinkSync(`..${n}`, `${root}/..data_tmp`)
      Fs.renameSync(`${root}/..data_tmp`, `${root}/..data`)
      Fs.rmSync(`${root}/..${n - 1}`, { recursive: true })
    }
  },
  "a link to the folder is swapped": {
    folder: "current",
    first: (root, pair) => {
      put(`${root}/releases/0`, pair)
      Fs.symlinkSync("releases/0", `${root}/current`)
    },
    replace: (root, pair, n) => {
      put(`${root}/releases/${n}`, pair)
      Fs.symlinkSync(`releases/${n}`, `${root}/next`)
      Fs.renameSync(`${root}/next`, `${root}/current`)
    }
  },
  "an absolute link further up is swapped": {
    folder: "current/etc/tls",
    first: (root, pair) => {
      put(`${root}/0/etc/tls`, pair)
      Fs.symlinkSync(`${root}/0`, `${root}/current`)
    },
    replace: (root, pair, n) => {
      put(`${root}/${n}/etc/tls`, pair)
      Fs.symlinkSync(`${root}/${n}`, `${root}/next`)
      Fs.renameSync(`${root}/next`, `${root}/current`)
    }
  },
  "the folder is moved away, and another one moved in": {
    folder: "tls",
    first: (root, pair) => put(`${root}/tls`, pair),
    replace: (root, pair, n) => {
      put(`${root}/new`, pair)
      Fs.renameSync(`${root}/tls`, `${root}/old-${n}`)
      Fs.renameSync(`${root}/new`, `${root}/tls`)
    }
  },
  "the folder above is moved away, and another one moved in": {
    folder: "app/tls",
    first: (root, pair) => put(`${root}/app/tls`, pair),
    replace: (root, pair, n) => {
      put(`${root}/new/tls`, pair)
      Fs.renameSync(`${root}/app`, `${root}/old-${n}`)
      Fs.renameSync(`${root}/new`, `${root}/app`)
    }
  },
  "the folder is removed and made again": {
    folder: "tls",
    first: (root, pair) => put(`${root}/tls`, pair),
    replace: (root, pair) => {
      Fs.rmSync(`${root}/tls`, { recursive: true })
      put(`${root}/tls`, pair)
    }
  },
  "by certbot: the files are links into another folder": {
    folder: "live",
    first: (root, pair) => {
      put(`${root}/archive`, pair)
      Fs.mkdirSync(`${root}/live`)
      for (const name of names) Fs.symlinkSync(`../archive/${name}`, `${root}/live/${name}`)
    },
    replace: (root, pair) => put(`${root}/archive`, pair)
  }
}

const root = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-")))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

const platform = Layer.mergeAll(NodeNetwork.layer, NodeFileSystem.layer, Logger.layer([]))

const filesIn = (folder: string) => ({
  certificates: [{ chain: Path.join(folder, "tls.crt"), key: Path.join(folder, "tls.key") }] as const
})

describe("watched certificates", () => {
  for (const [name, way] of Object.entries(ways)) {
    it.live(`are replaced, three times: ${name}`, () =>
      Effect.gen(function*() {
        const at = yield* root
        way.first(at, pairs[0]!)
        const tls = yield* Tls.reloading(filesIn(Path.join(at, way.folder)), "watch")
        const { port } = yield* listen(tls)
        for (let n = 1; n < pairs.length; n++) {
          const { since } = yield* SubscriptionRef.get(tls.state)
          way.replace(at, pairs[n]!, n)
          const saw = names.map((name) => {
            const path = Path.join(at, way.folder, name)
            const modifiedAt = new Date(Math.trunc(Fs.statSync(path).mtimeMs))
            return { path, realPath: Fs.realpathSync(path), modifiedAt }
          })
          // A look that began before this replacement may load it, and has another one behind it.
          const state = yield* SubscriptionRef.changes(tls.state).pipe(
            Stream.filter((state) =>
              state._tag === "Current" && state.since !== since && isDeepStrictEqual(state.saw, saw)
            ),
            Stream.runHead,
            Effect.flatMap(Effect.fromOption)
          )
          const shown = yield* Effect.scoped(connect(port, { authorities: authority.certificate }))
          expect(CertificateName.format(shown.tls!.peerCertificate!.subject)).toBe(`CN=${n}`)
          expect(state.lookedAt).toBeGreaterThanOrEqual(state.since)
        }
      }).pipe(Effect.scoped, Effect.provide(platform)))
  }

  it.live("that are gone are kept, which the state says", () =>
    Effect.gen(function*() {
      const at = yield* root
      put(at, pairs[0]!)
      const tls = yield* Tls.reloading(filesIn(at), "watch")
      Fs.rmSync(`${at}/tls.key`)
      const kept = yield* SubscriptionRef.changes(tls.state).pipe(
        Stream.filter((state) => state._tag === "Kept"),
        Stream.runHead,
        Effect.flatMap(Effect.fromOption)
      )
      expect(kept.error.address).toBe(`${at}/tls.key`)
      expect(kept.lookedAt).toBeGreaterThan(kept.since)
      expect(kept.saw[1]).toEqual({ path: `${at}/tls.key`, realPath: undefined, modifiedAt: undefined })
    }).pipe(Effect.scoped, Effect.provide(platform)))
})

describe("a private key that every user can read", () => {
  const modes: ReadonlyArray<readonly [mode: number, warned: boolean]> = [
    [0o600, false],
    [0o640, false],
    [0o644, true],
    [0o604, true]
  ]
  for (const [mode, warned] of modes) {
    it.live(`is warned of: ${mode.toString(8)}, ${warned}`, () => {
      const lines: Array<unknown> = []
      const logger = Logger.layer([Logger.make(({ message }) => void lines.push(...[message].flat()))])
      return Effect.gen(function*() {
        const at = yield* root
        put(at, pairs[0]!)
        Fs.chmodSync(`${at}/tls.key`, mode)
        const files = filesIn(at)
        const expected = warned ? [expect.stringContaining(`private key ${at}/tls.key`)] : []
        const warnings = () => lines.splice(0)
        yield* Tls.loadServer(files)
        expect(warnings()).toEqual(expected)
        yield* Tls.loadClient({ certificate: files.certificates[0] })
        expect(warnings()).toEqual(expected)
        // Once, and again with new files.
        const tls = yield* Tls.reloading(files, Schedule.recurs(0))
        yield* tls.reload
        expect(warnings()).toEqual(expected)
        put(at, pairs[1]!)
        yield* tls.reload
        expect(warnings()).toEqual(["the certificates were reloaded", ...expected])
      }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, logger]))
    })
  }
})
