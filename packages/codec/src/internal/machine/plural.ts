/** A number of things: `1 byte`, `5 bytes`. */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`
