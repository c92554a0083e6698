import { onTestFinished } from "@effect/vitest"
import * as ChildProcess from "node:child_process"
import * as Net from "node:net"
import { fileOf } from "./folder.ts"

/** Runs HAProxy between a port of its own, which it gives, and a server, until the test is over. */
export const haproxy = async (options: {
  /** Where the server is, and how to talk to it: `"127.0.0.1:8000 send-proxy"`. */
  readonly server: string
  /** How to listen, besides the port. */
  readonly bind?: string
}): Promise<number> => {
  const timeouts = ["connect", "client", "server"].map((each) => `  timeout ${each} 30s`)
  const lines = ["defaults", "  mode tcp", ...timeouts, "listen relay", `  bind fd@3 ${options.bind ?? ""}`]
  const configuration = fileOf("haproxy.cfg", [...lines, `  server sluice ${options.server}`, ""].join("\n"))
  // A port that the system chose is handed on open: a port that was only found free might be another's by then.
  const listening = Net.createServer()
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve))
  const { port } = listening.address() as Net.AddressInfo
  const { fd } = (listening as unknown as { readonly _handle: { readonly fd: number } })._handle
  const child = ChildProcess.spawn("haproxy", ["-db", "-q", "-f", configuration], {
    stdio: ["ignore", "ignore", "inherit", fd]
  })
  const ended = new Promise((resolve) => child.once("exit", resolve))
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await ended
  })
  await new Promise((resolve) => listening.close(resolve))
  return port
}
