/** Where the site reads from and writes to. */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

export const root = join(import.meta.dirname, "../..")

/** The pages that the build makes of the repository. They are not committed. */
export const staged = join(import.meta.dirname, "../.content")

/** The address of the site on its host, such as `/sluice/`. It begins and ends with a slash. */
export const base = process.env.SITE_BASE ?? "/"

/** Writes a file of the site, by its path in it. */
export const stage = (path: string, text: string): void => {
  const file = join(staged, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
