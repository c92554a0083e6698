import type * as Trace from "../../../simulation/Trace.ts"
export const toMermaid = (_trace: Trace.Trace): string => ""
