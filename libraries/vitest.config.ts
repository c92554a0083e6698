import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The files of a worker share the modules that they import.
    isolate: false,
    // Before the libraries: what they keep of Node's modules when they load is virtual in simulations.
    setupFiles: ["@sluice/simulation/register"]
  }
})
