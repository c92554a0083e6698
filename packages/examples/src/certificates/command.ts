/** `certificates`: makes an authority, and a certificate of it for a server and for a client, to try TLS with. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"

// Loaded by this program alone: it takes longer to load than all else here.
const load = Effect.promise(() => import("@sluice/node/TestCertificates"))

class CertificatesFailed extends Data.TaggedError("CertificatesFailed")<{ readonly message: string }> {}

/** The names and addresses of this machine that the server's certificate is for. */
const names = ["localhost", "127.0.0.1", "::1"]

/** What goes into the folder. Nobody needs the authority's key again: it is forgotten. */
const make = Effect.gen(function*() {
  const authority = yield* Effect.flatMap(load, (certificates) => certificates.authority("Sluice test authority"))
  const server = yield* authority.issue({ names })
  const client = yield* authority.issue({ commonName: "client" })
  return {
    "ca.pem": authority.certificate,
    "server.pem": server.chain,
    "server.key": server.key,
    "client.pem": client.chain,
    "client.key": client.key
  }
})

type Name = keyof Effect.Success<typeof make>

const directory = Argument.Path("dir").pipe(Argument.withDescription("Folder for the files"))

const force = Flag.Boolean("force").pipe(
  Flag.withDescription("Replace existing files"),
  Flag.withDefault(false)
)

/** A path as a shell takes it. */
const quote = (path: string): string => /^[\w./:@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`

const explain = (at: (name: Name) => string): string =>
  `Made, and good for 30 days:
  ${at("ca.pem")}: a test authority
  ${at("server.pem")}, with ${at("server.key")}: for ${names.join(", ")}
  ${at("client.pem")}, with ${at("client.key")}: for a client
Try them:
  npm run -s example -- echo server --tls-cert ${at("server.pem")} --tls-key ${at("server.key")} \\
    --tls-ca ${at("ca.pem")} --tls-client-cert required
  npm run -s example -- echo client --tls --tls-ca ${at("ca.pem")} \\
    --tls-cert ${at("client.pem")} --tls-key ${at("client.key")} hello`

export const certificates = Command.make(
  "certificates",
  { directory, force },
  Effect.fnUntraced(
    function*({ directory, force }) {
      const fileSystem = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const files = yield* make
      const paths = Object.keys(files).map((name) => path.join(directory, name))
      if (!force) {
        const there = yield* Effect.filter(paths, fileSystem.exists)
        if (there.length > 0) {
          return yield* new CertificatesFailed({ message: `${there.join(", ")}: already there; replace with --force` })
        }
      }
      yield* fileSystem.makeDirectory(directory, { recursive: true })
      for (const [name, text] of Object.entries(files)) {
        const file = path.join(directory, name)
        // A new file each, because one that is there would keep its mode.
        if (force) yield* fileSystem.remove(file, { force })
        yield* fileSystem.writeFileString(file, text, { flag: "wx", mode: name.endsWith(".key") ? 0o600 : 0o644 })
      }
      yield* Console.log(explain((name) => quote(path.join(directory, name))))
    },
    Effect.catchTag("PlatformError", ({ message }) => new CertificatesFailed({ message }))
  )
).pipe(Command.withDescription("Create a test authority, a server certificate and a client certificate"))
