/**
 * Bundles what `tsc` has built of packages that are loaded when a program starts. A module costs Node about half a
 * millisecond to find, read and link, whatever its size: an echo server would load 120.
 *
 * `node scripts/bundle.ts core node` replaces the JavaScript in `packages/NAME/dist`; the declarations stay.
 */
import { globSync, rmSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { rolldown } from "rolldown"

const packages = resolve(import.meta.dirname, "../packages")

/** What nearly every program loads: one file. Other modules share files as they need. */
const common = /\/src\/(Connection|Endpoint|Network|NetworkError|Server|Transport)\.ts$/

/** Writes the JavaScript of a package: a file for each public module, and those that they share. */
export const bundle = async (name: string, target: string): Promise<void> => {
  const source = join(packages, name, "src")
  const input = Object.fromEntries(globSync(join(source, "*.ts")).map((file) => [basename(file, ".ts"), file]))
  const build = await rolldown({
    input,
    // Only what is the package's own.
    external: (id) => !id.startsWith(".") && !id.startsWith("/"),
    treeshake: false
  })
  await build.write({
    dir: target,
    format: "esm",
    sourcemap: true,
    chunkFileNames: "internal/[name].js",
    codeSplitting: { groups: [{ name: "common", test: common }] },
    // Comments are in the declarations. Here they would take memory for as long as a program runs.
    comments: { annotation: true, jsdoc: false, legal: false }
  })
  await build.close()
}

if (import.meta.main) {
  for (const name of process.argv.slice(2)) {
    const target = join(packages, name, "dist")
    for (const file of globSync(join(target, "**/*.{js,js.map}"))) rmSync(file)
    await bundle(name, target)
  }
}
