import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

// Nothing here waits for time to pass: the timeouts are for what hangs, also on a machine that has much else to do.
const timeouts = { testTimeout: 180_000, hookTimeout: 180_000 }

// The files of a worker share the modules that they import: to load Effect again for each is a fourth of the work.
const isolate = false

const project = (name: string) => ({
  test: { name, root: `packages/${name}`, include: ["test/**/*.test.ts"], ...timeouts, isolate }
})

/** The programs start from a bundle. */
const examples = { test: { ...project("examples").test, globalSetup: "test/setup.ts" } }

/** What holds for the repository as a whole: who imports whom, what is public, how it reads. */
const repository = {
  test: { name: "repository", root: "scripts/repository", include: ["*.test.ts"], ...timeouts, isolate }
}

export default defineConfig({
  test: {
    projects: [
      ...["framing", "proxy", "core", "client", "node", "simulation", "conformance", "codec"].map(project),
      examples,
      repository
    ],
    // Many tests wait for processes that they started: one worker more than there are cores keeps all cores busy.
    maxWorkers: availableParallelism() + 1
  }
})
