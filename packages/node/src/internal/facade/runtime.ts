import { versions } from "node:process"

/** Whether this is Node itself. Bun and Deno have its modules, but not the private parts below them. */
export const isNode = versions["bun"] === undefined && versions["deno"] === undefined
