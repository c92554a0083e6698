import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { main, node } from "./program.ts"

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
