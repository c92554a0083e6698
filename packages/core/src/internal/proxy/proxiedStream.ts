import type { Proxy } from "@sluice/proxy/ProxyProtocol"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Transport from "../../Transport.ts"
import { ForwardedStream } from "./forwardedStream.ts"

/** A stream with the addresses of its PROXY header. */
export class ProxiedStream extends ForwardedStream {
  readonly proxy: Proxy

  constructor(beneath: Transport.StreamTransport, proxy: Proxy) {
    super(beneath)
    this.proxy = proxy
  }

  override get localAddress(): NetAddress.SocketAddress {
    return this.proxy.header.addresses?.destination ?? this.proxy.localAddress
  }

  override get remoteAddress(): NetAddress.SocketAddress {
    return this.proxy.header.addresses?.source ?? this.proxy.remoteAddress
  }
}

/** The proxy that a stream came through, if that sent a header. */
export const proxyOf = (transport: Transport.StreamTransport): Proxy | undefined =>
  transport instanceof ProxiedStream ? transport.proxy : undefined
