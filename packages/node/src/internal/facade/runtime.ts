const { versions } = process

const isDeno = versions["deno"] !== undefined

/** Whether this is Node itself. Bun and Deno have its modules, but not the private parts below them. */
export const isNode = !isDeno && versions["bun"] === undefined

/** Whether an empty write to a TLS socket succeeds. Deno fails it with EPERM. */
export const takesEmptyWrites = !isDeno
