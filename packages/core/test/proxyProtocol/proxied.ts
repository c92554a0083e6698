import * as Network from "@sluice/core/Network"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** A network on which every connection begins with a PROXY header, which leaves it the addresses that it has. */
export const proxied = Layer.effect(
  Network.Network,
  Effect.map(Network.Network, (network) =>
    Network.Network.of({
      ...network,
      connect: (endpoint, options) =>
        network.connect(endpoint, {
          ...options,
          proxyProtocol: { ...ProxyProtocol.local, tlvs: [{ _tag: "Crc32c" }] }
        }),
      listen: (endpoint, options) =>
        network.listen(endpoint, { ...options, proxyProtocol: { trusted: ["0.0.0.0/0", "::/0", "unix"] } })
    }))
)
