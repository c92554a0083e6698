import * as Http from "node:http"

const body = Buffer.from("hello, world\n")

/** The server of node:http that is measured, on a socket of its own and over Sluice. */
export const makeServer = (): Http.Server =>
  Http.createServer((_, response) => {
    response.setHeader("content-type", "text/plain")
    response.setHeader("content-length", body.length)
    response.end(body)
  })
