import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as NetworkError from "../../NetworkError.ts"
import type * as Tls from "../../Tls.ts"
import { UnusableCertificate } from "../../TlsReason.ts"

export const loadClient = Effect.fnUntraced(function*(
  files: Tls.ClientFiles
): Effect.fn.Return<Tls.ClientOptions, NetworkError.NetworkError, FileSystem.FileSystem> {
  const { certificate, ...others } = yield* readCommon(files)
  if (certificate === undefined) return others
  const read = yield* readCertificate(certificate)
  yield* warnOfReadableKeys([certificate])
  return { ...others, certificate: read }
})

export const loadServer = (
  files: Tls.ServerFiles
): Effect.Effect<Tls.ServerOptions, NetworkError.NetworkError, FileSystem.FileSystem> =>
  Effect.tap(readServer(files), () => warnOfReadableKeys(files.certificates))

/** Reads the files of a server. */
export const readServer = Effect.fnUntraced(function*(
  files: Tls.ServerFiles
): Effect.fn.Return<Tls.ServerOptions, NetworkError.NetworkError, FileSystem.FileSystem> {
  const [first, ...others] = files.certificates
  const certificates = [yield* readCertificate(first), ...(yield* Effect.forEach(others, readCertificate))] as const
  return { ...(yield* readCommon(files)), certificates: [...certificates] }
})

const readCommon = <Files extends Tls.CommonOptions>(files: Files) =>
  Effect.gen(function*() {
    const { authorities, revocationLists } = files
    return {
      ...files,
      ...(authorities === undefined ? {} : { authorities: yield* readAll(authorities) }),
      ...(revocationLists === undefined ? {} : { revocationLists: yield* readAll(revocationLists) })
    }
  })

const readCertificate = ({ chain, key, passphrase }: Tls.CertificateFiles) =>
  Effect.map(
    Effect.all([read(chain), read(key)]),
    ([chain, key]): Tls.Certificate => ({ chain, key: Redacted.make(key), passphrase })
  )

const readAll = (paths: string | ReadonlyArray<string>) =>
  Effect.forEach(typeof paths === "string" ? [paths] : paths, read)

const read = (path: string): Effect.Effect<string, NetworkError.NetworkError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(path)).pipe(
    Effect.mapError((cause) => {
      const isMissing = cause.reason._tag === "NotFound"
      const why = isMissing ? "it does not exist" : cause.message
      const fix = isMissing ? "check the path" : "make it a file that this user can read"
      const reason = new UnusableCertificate({ option: "the file", why, fix })
      return new NetworkError.NetworkError({ operation: "configure", address: path, reason, cause })
    })
  )

/** The paths of all files of a server. */
export const pathsOf = (
  { authorities = [], certificates, revocationLists = [] }: Tls.ServerFiles
): ReadonlySet<string> =>
  new Set([...certificates.flatMap(({ chain, key }) => [chain, key]), authorities, revocationLists].flat())

/** Describes files as they are now. */
export const inspect = (
  paths: ReadonlySet<string>
): Effect.Effect<ReadonlyArray<Tls.SeenFile>, never, FileSystem.FileSystem> =>
  Effect.flatMap(
    FileSystem.FileSystem,
    (files) =>
      Effect.forEach(paths, (path) =>
        Effect.all([files.realPath(path), files.stat(path)]).pipe(
          Effect.map(([realPath, { mtime }]) => ({ path, realPath, modifiedAt: Option.getOrUndefined(mtime) })),
          Effect.orElseSucceed(() => ({ path, realPath: undefined, modifiedAt: undefined }))
        ))
  )

// Of the mode of a file (chmod(2)).
const readableByOthers = 0o004

/** Logs a warning for each key that every user of the machine can read. */
export const warnOfReadableKeys = (
  certificates: ReadonlyArray<Tls.CertificateFiles>
): Effect.Effect<void, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    Effect.forEach(
      new Set(certificates.map(({ key }) => key)),
      (key) =>
        Effect.matchEffect(files.stat(key), {
          onFailure: () => Effect.void,
          onSuccess: ({ mode }) =>
            (mode & readableByOthers) === 0 ? Effect.void : Effect.logWarning(
              `every user of this machine can read the private key ${key}; chmod 640 or 600 it, and replace it if ` +
                "others had access"
            )
        }),
      { discard: true }
    ))
