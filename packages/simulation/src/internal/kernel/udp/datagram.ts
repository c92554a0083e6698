import type * as Trace from "../../../Trace.ts"
import { ipHeader, Packet } from "../../fabric/packet.ts"
import type { Writable } from "../../report/trace/buffer.ts"
import type { RandomStream } from "../../time/random.ts"
import type { HostState } from "../host.ts"

/** A UDP datagram. */
export class Datagram extends Packet {
  get fragments(): boolean {
    return true
  }

  get size(): number {
    return ipHeader(this.source.address) + 8 + this.payload.length
  }

  describe(at: number): Writable<Trace.Datagram> {
    return {
      _tag: "Datagram",
      at,
      arrival: undefined,
      fate: "arrives",
      duplicate: false,
      from: this.from.name,
      to: this.to === undefined ? "" : this.to.name,
      source: this.source,
      destination: this.destination,
      payload: this.payload
    }
  }

  copy(): Datagram {
    return new Datagram(this.from, this.to, this.source, this.destination, this.payload)
  }

  corrupt(random: RandomStream): boolean {
    if (this.payload.length === 0) return false
    const payload = this.payload.slice()
    const at = random.below(payload.length)
    payload[at] = payload[at]! ^ (1 << random.below(8))
    this.payload = payload
    return true
  }

  deliver(host: HostState): void {
    host.udp.receive(this)
  }
}
