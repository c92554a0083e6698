import type * as Trace from "../../../simulation/Trace.ts"
export const toPcapng = (_trace: Trace.Trace): Uint8Array => new Uint8Array(0)
