import { createHash } from "node:crypto"
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import type { TestProject } from "vitest/node"
import { bundle } from "./bundle.ts"

const workspace = resolve(import.meta.dirname, "../../..")
const cache = join(workspace, "node_modules/.cache/programs")
const lifetime = 86_400_000 // milliseconds: other tests that run may still start the programs of an older bundle

/** Differs with every source, and with the versions of what they import. */
const fingerprint = (): string => {
  const files = globSync([
    "packages/*/{package.json,src/**/*.ts}",
    "packages/examples/test/bundle.ts",
    "pnpm-lock.yaml"
  ], {
    cwd: workspace
  })
  const hash = createHash("sha256")
  for (const file of files.toSorted()) hash.update(`${file}\n`).update(readFileSync(join(workspace, file)))
  return hash.digest("hex").slice(0, 16)
}

/** Bundles the programs before the first test, unless nothing has changed since. */
export default async (project: TestProject): Promise<void> => {
  const folder = join(cache, fingerprint())
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true })
    for (const old of globSync(join(cache, "*"))) {
      if (Date.now() - statSync(old).mtimeMs > lifetime) rmSync(old, { recursive: true, force: true })
    }
    const draft = mkdtempSync(join(cache, "draft-"))
    await bundle({ main: join(workspace, "packages/examples/src/main.ts") }, draft)
    try {
      renameSync(draft, folder)
    } catch {
      // Another run of the tests was faster.
      rmSync(draft, { recursive: true })
    }
  }
  project.provide("programs", join(folder, "main.js"))
}
