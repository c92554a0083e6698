import type * as Trace from "../../../Trace.ts"
import type { IpStack } from "../../fabric/ipStack.ts"
import type { LinkState } from "../../fabric/link.ts"
import { ipHeader } from "../../fabric/packet.ts"
import { type Contents, keyOf, Segment } from "./segment.ts"
import type { TcpSettings } from "./settings.ts"
import type { TcpTable } from "./table.ts"

/** The way from one end of a connection to the other, and how large a segment may be on it. */
export class Path {
  readonly stack: IpStack
  readonly settings: TcpSettings
  readonly local: Trace.Socket
  readonly remote: Trace.Socket
  readonly #peerKey: string
  readonly #headers: number
  #way: LinkState | undefined = undefined
  /** The largest segment that the peer takes (RFC 9293, section 3.7.1). */
  peerSegmentSize = 536

  constructor({ settings, stack }: TcpTable, local: Trace.Socket, remote: Trace.Socket) {
    this.stack = stack
    this.settings = settings
    this.local = local
    this.remote = remote
    this.#peerKey = keyOf(remote, local)
    this.#headers = ipHeader(local.address) + 20
  }

  get now(): number {
    return this.stack.engine.now
  }

  // Once there is a way, it stays.
  get #link(): LinkState | undefined {
    return this.#way ??= this.stack.linkTo(this.remote.address)
  }

  /** The largest payload that fits into a packet on the link. */
  get largestSegment(): number {
    return Math.max(1, (this.#link?.settings.mtu ?? 1500) - this.#headers)
  }

  /** The largest payload that fits, and that the peer takes. */
  get segmentSize(): number {
    return Math.min(this.peerSegmentSize, this.largestSegment)
  }

  /** Whether, by chance, bytes are not to stay together here. */
  divides(): boolean {
    return this.#link?.divides() ?? false
  }

  /** Where `size` bytes are divided: after the first, the last, or any between. */
  part(size: number): number {
    return this.#link!.part(size)
  }

  emit(contents: Contents): void {
    this.send(new Segment(this.stack, this.#link?.to, this.local, this.remote, this.#peerKey, contents))
  }

  send(segment: Segment): void {
    this.stack.send(segment, this.#link)
  }
}
