import type { Alert } from "./record/alert.ts"

/**
 * What a host does wrong in TLS: see `breakTls`.
 *
 * @since 0.1.0
 * @category models
 */
export type TlsFault = "stall" | "cut" | "truncate" | "corrupt" | { readonly alert: Alert }

export const describeFault = (fault: TlsFault): string => typeof fault === "string" ? fault : `alert ${fault.alert}`
