import type * as Net from "node:net"

/** The descriptor of an open socket, which Node has on its handle alone; 0 where this Node does not tell. */
export const descriptorOf = (socket: Net.Socket): number =>
  (socket as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd ?? 0
