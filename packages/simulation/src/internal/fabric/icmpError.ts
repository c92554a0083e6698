import type { IpStack } from "./ipStack.ts"
import { ipHeader, Packet } from "./packet.ts"

/** Why a packet did not reach its destination: the codes of ICMP (RFC 792) and ICMPv6 (RFC 4443), section 3.1. */
export type WhyUnreachable = "network" | "host" | "port" | "prohibited"

/** An ICMP error: destination unreachable. The trace does not show it. */
export class IcmpError extends Packet {
  readonly about: Packet
  readonly why: WhyUnreachable

  /** `from` is the host that it seems to come from: it is sent by that host, or by a router on the way. */
  constructor(about: Packet, from: IpStack, why: WhyUnreachable) {
    super(from, about.from, about.destination, about.source, nothing)
    this.about = about
    this.why = why
  }

  get protocol(): "icmp" {
    return "icmp"
  }

  // IP and ICMP headers, and the IP header and eight bytes of the packet that it is about.
  get size(): number {
    return 2 * ipHeader(this.source.address) + 16
  }

  describe(): undefined {
    return undefined
  }

  copy(): IcmpError {
    return new IcmpError(this.about, this.from, this.why)
  }

  // What it is about is translated instead.
  translated(): IcmpError {
    return this
  }

  // The checksum detects it.
  corrupt(): boolean {
    return false
  }

  // No error about an error (RFC 1122, section 3.2.2).
  rejection(): undefined {
    return undefined
  }
}

const nothing = new Uint8Array(0)
