import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    // Before the libraries: what they keep of Node's modules when they load is virtual in simulations.
    setupFiles: ["test/setup.ts"]
  }
})
