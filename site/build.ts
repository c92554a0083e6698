/** Builds the website into `site/dist`. */
import { cpSync, rmSync } from "node:fs"
import { join } from "node:path"
import { build } from "vitepress"
import { writeContents } from "./content/contents.ts"
import { writeGuide, writeHome } from "./content/guide.ts"
import { linkedSources } from "./content/markdown.ts"
import { staged } from "./content/paths.ts"
import { writeReference } from "./content/reference.ts"
import { writeReport } from "./content/report.ts"
import { writeSource } from "./content/sources.ts"

rmSync(staged, { recursive: true, force: true })
cpSync(join(import.meta.dirname, "pages"), staged, { recursive: true })
writeGuide()
writeHome()
const reference = writeReference()
writeReport()
for (const file of linkedSources) writeSource(file)
writeContents(reference)

await build(import.meta.dirname)
