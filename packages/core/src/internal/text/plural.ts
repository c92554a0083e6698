/** A number for people: `4,128`. */
export const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",")

/** A number of things: `1 connection`, `4,128 connections`. */
export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? "" : "s"}`
