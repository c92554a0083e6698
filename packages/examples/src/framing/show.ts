import { printable } from "../cli/text.ts"

/** A message as a terminal can be given it. */
export const show = (message: string): string => printable(new TextEncoder().encode(message))
