import type { Alert } from "./record/alert.ts"

/** What a host does wrong in TLS, when it is told to. */
export type TlsFault = "stall" | "cut" | "truncate" | "corrupt" | { readonly alert: Alert }

export const describeFault = (fault: TlsFault): string => typeof fault === "string" ? fault : `alert ${fault.alert}`
