import * as SafeText from "@sluice/framing/SafeText"

/** Bytes from the network as text for a terminal: invalid UTF-8 and all that could forge output is replaced. */
export const printable = (bytes: Uint8Array): string => SafeText.fromBytes(bytes, { limit: 100_000 })
