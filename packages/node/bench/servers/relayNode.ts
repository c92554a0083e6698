import * as Net from "node:net"
import { ready } from "./ready.ts"

const upstream = Number(process.argv[2])

const server = Net.createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
  const far = Net.connect({ host: "127.0.0.1", port: upstream, noDelay: true, allowHalfOpen: true })
  near.pipe(far)
  far.pipe(near)
  near.on("error", () => far.destroy())
  far.on("error", () => near.destroy())
})
server.listen({ host: "127.0.0.1", port: 0 }, () => ready((server.address() as Net.AddressInfo).port))
