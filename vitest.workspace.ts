import { defineConfig } from "vitest/config"

// Nothing here waits for time to pass: the timeout is for what hangs, also on a machine that has much else to do.
const project = (name: string) => ({
  test: { name, root: `packages/${name}`, include: ["test/**/*.test.ts"], testTimeout: 60_000 }
})

export default defineConfig({
  test: { projects: ["core", "node", "simulation", "conformance", "examples"].map(project), maxWorkers: "100%" }
})
