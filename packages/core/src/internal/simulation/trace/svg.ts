import type * as Trace from "../../../simulation/Trace.ts"
export const toSvg = (_trace: Trace.Trace): string => ""
