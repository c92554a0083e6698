/** Serves the built site on loopback. */
import { createReadStream, existsSync, statSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { extname, join, normalize } from "node:path"
import { base } from "./content/paths.ts"

export const dist = join(import.meta.dirname, "dist")

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json"
}

/** The file at a path on the host, or nothing. */
export const fileAt = (path: string): string | undefined => {
  if (!path.startsWith(base)) return undefined
  const file = join(dist, normalize(decodeURIComponent(path.slice(base.length - 1))))
  const candidates = path.endsWith("/") ? [join(file, "index.html")] : [file, `${file}.html`]
  return candidates.find((each) => each.startsWith(dist) && existsSync(each) && statSync(each).isFile())
}

/** The file that a request asks for: nothing for a path that is malformed. */
const requested = (url = "/"): string | undefined => {
  try {
    return fileAt(new URL(url, "http://localhost").pathname)
  } catch {
    return undefined
  }
}

export const serve = (port: number): Promise<{ readonly url: string; readonly server: Server }> =>
  new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      const found = requested(request.url)
      const file = found ?? join(dist, "404.html")
      response.writeHead(found === undefined ? 404 : 200, {
        "content-type": types[extname(file)] ?? "application/octet-stream"
      })
      createReadStream(file).on("error", () => response.destroy()).pipe(response)
    })
    server.once("error", reject)
    server.listen(port, "127.0.0.1", () => {
      resolve({ server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}` })
    })
  })
