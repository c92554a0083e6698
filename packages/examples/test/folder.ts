import { onTestFinished } from "@effect/vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A folder that is removed when the test is over, or, with `afterAll`, when all are. */
export const folder = (whenOver: (remove: () => void) => void = onTestFinished): string => {
  const path = mkdtempSync(join(tmpdir(), "sluice-"))
  // What a killed program has started may still write there.
  whenOver(() => rmSync(path, { recursive: true, maxRetries: 10 }))
  return path
}

/** The path of a file with this text, which is removed when the test is over. */
export const fileOf = (name: string, text: string): string => {
  const path = join(folder(), name)
  writeFileSync(path, text)
  return path
}
