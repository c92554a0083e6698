import type * as Trace from "../../Trace.ts"
import type { Engine } from "../time/engine.ts"
import type { Seed } from "../time/random.ts"
import type { Uplink } from "./bottleneck.ts"
import type { LinkState } from "./link.ts"
import type { Packet } from "./packet.ts"

/** A machine as its protocols and links see it: addresses, links to other machines, and time. */
export interface IpStack {
  readonly name: string
  readonly seed: Seed
  readonly engine: Engine
  /** Whether the machine has power. */
  readonly isPowered: boolean
  /** Whether the run is over: its records stay as they are. */
  readonly hasEnded: boolean
  /** All machines of the network, this one included. */
  readonly machines: Iterable<IpStack>
  /** The connection to other hosts that it shares with some, if there is one. */
  readonly uplink: Uplink | undefined
  readonly initialSequence: () => number
  readonly owns: (address: string) => boolean
  /** The link to the machine that has an address; `undefined` if no machine has it. */
  readonly linkTo: (address: string) => LinkState | undefined
  readonly linkToMachine: (machine: IpStack) => LinkState
  /** The address that packets to `address` come from; `undefined` if this machine has none of that family. */
  readonly sourceFor: (address: string) => string | undefined
  readonly send: (packet: Packet, link: LinkState | undefined) => void
  /** Takes a packet that has arrived. */
  readonly receive: (packet: Packet) => void
  readonly hasJoined: (group: string) => boolean
  readonly note: (record: Trace.Timer) => void
}
