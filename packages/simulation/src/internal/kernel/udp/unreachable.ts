import { Packet } from "../../fabric/packet.ts"

/** ICMP port unreachable (RFC 792), about a datagram that no socket takes. The trace does not show it. */
export class Unreachable extends Packet {
  get protocol(): "icmp" {
    return "icmp"
  }

  get fragments(): boolean {
    return false
  }

  // IP and ICMP headers, and the IP and UDP headers of the datagram.
  get size(): number {
    return 56
  }

  describe(): undefined {
    return undefined
  }

  copy(): Unreachable {
    return new Unreachable(this.from, this.to, this.source, this.destination, this.payload)
  }

  // The checksum detects it.
  corrupt(): boolean {
    return false
  }
}
