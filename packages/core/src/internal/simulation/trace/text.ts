import type * as Trace from "../../../simulation/Trace.ts"
export const toText = (_trace: Trace.Trace): string => ""
