import type * as Trace from "../../../Trace.ts"
import { IcmpError } from "../../fabric/icmpError.ts"
import type { IpStack } from "../../fabric/ipStack.ts"
import { ipHeader, Packet, PacketRecord, type Writable } from "../../fabric/packet.ts"
import type { RandomStream } from "../../time/random.ts"

/** A UDP datagram. */
export class Datagram extends Packet {
  get protocol(): "udp" {
    return "udp"
  }

  get size(): number {
    return ipHeader(this.source.address) + 8 + this.payload.length
  }

  describe(at: number): Writable<Trace.Datagram> {
    return new DatagramRecord(this, at)
  }

  copy(): Datagram {
    return new Datagram(this.from, this.to, this.source, this.destination, this.payload)
  }

  translated(from: IpStack, to: IpStack | undefined, source: Trace.Socket, destination: Trace.Socket): Datagram {
    return new Datagram(from, to, source, destination, this.payload)
  }

  corrupt(random: RandomStream): boolean {
    if (this.payload.length === 0) return false
    const payload = this.payload.slice()
    const at = random.below(payload.length)
    payload[at] = payload[at]! ^ (1 << random.below(8))
    this.payload = payload
    return true
  }

  rejection(): IcmpError {
    return new IcmpError(this, this.to ?? this.from, "port")
  }
}

class DatagramRecord extends PacketRecord implements Writable<Trace.Datagram> {
  readonly _tag = "Datagram"
}
