import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import * as NetworkError from "../../NetworkError.ts"
import type * as Tls from "../../Tls.ts"
import { UnusableCertificate } from "../../TlsReason.ts"

export const loadClient = Effect.fnUntraced(function*(
  files: Tls.ClientFiles
): Effect.fn.Return<Tls.ClientOptions, NetworkError.NetworkError, FileSystem.FileSystem> {
  const { certificate, ...others } = yield* loadCommon(files)
  return certificate === undefined ? others : { ...others, certificate: yield* loadCertificate(certificate) }
})

export const loadServer = Effect.fnUntraced(function*(
  files: Tls.ServerFiles
): Effect.fn.Return<Tls.ServerOptions, NetworkError.NetworkError, FileSystem.FileSystem> {
  const [first, ...others] = files.certificates
  const certificates = [yield* loadCertificate(first), ...(yield* Effect.forEach(others, loadCertificate))] as const
  return { ...(yield* loadCommon(files)), certificates: [...certificates] }
})

const loadCommon = <Files extends Tls.CommonOptions>(files: Files) =>
  Effect.gen(function*() {
    const { authorities, revocationLists } = files
    return {
      ...files,
      ...(authorities === undefined ? {} : { authorities: yield* loadAll(authorities) }),
      ...(revocationLists === undefined ? {} : { revocationLists: yield* loadAll(revocationLists) })
    }
  })

const loadCertificate = ({ chain, key, passphrase }: Tls.CertificateFiles) =>
  Effect.map(
    Effect.all([load(chain), load(key)]),
    ([chain, key]): Tls.Certificate => ({ chain, key: Redacted.make(key), passphrase })
  )

const loadAll = (paths: string | ReadonlyArray<string>) =>
  Effect.forEach(typeof paths === "string" ? [paths] : paths, load)

const load = (path: string): Effect.Effect<string, NetworkError.NetworkError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(path)).pipe(
    Effect.mapError((cause) => {
      const reason = new UnusableCertificate({ option: "the file", why: cause.message })
      return new NetworkError.NetworkError({ operation: "configure", address: path, reason, cause })
    })
  )
