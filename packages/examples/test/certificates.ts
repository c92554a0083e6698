import { onTestFinished } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { main, node } from "./program.ts"

/** A folder that is removed when the test is over, or, with `afterAll`, when all are. */
export const folder = (whenOver: (remove: () => void) => void = onTestFinished): string => {
  const path = mkdtempSync(join(tmpdir(), "sluice-"))
  whenOver(() => rmSync(path, { recursive: true }))
  return path
}

/** Has `certificates` make some, and gives the flags that programs take them by. */
export const certificates = (path: string) => {
  execFileSync(node, [main, "certificates", path])
  const file = (name: string) => join(path, name)
  return {
    folder: path,
    authority: file("ca.pem"),
    server: { cert: file("server.pem"), key: file("server.key") },
    client: { cert: file("client.pem"), key: file("client.key") },
    /** A server shows its certificate. */
    serving: `--tls-cert ${file("server.pem")} --tls-key ${file("server.key")}`,
    /** It wants to see one. */
    asking: `--tls-ca ${file("ca.pem")} --tls-client-cert required`,
    /** A client knows whom to trust. */
    trusting: `--tls --tls-ca ${file("ca.pem")}`,
    /** It shows its own. */
    showing: `--tls-cert ${file("client.pem")} --tls-key ${file("client.key")}`
  }
}
