/**
 * Bundles the JavaScript that `tsc` built for the packages of production, so that programs start faster: Node takes time to
 * find, read and link each module, whatever its size.
 *
 * `node scripts/bundle.ts core node` replaces the JavaScript in `packages/NAME/dist`; the declarations stay.
 */
import { globSync, rmSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { rolldown } from "rolldown"

const packages = resolve(import.meta.dirname, "../packages")

/** The modules that nearly every program loads go into one file. */
const common = /\/src\/(Connection|Endpoint|Network|NetworkError|Server|Transport)\.ts$/

/** Writes the JavaScript of a package: a file for each public module, and the files that they share. */
export const bundle = async (name: string, target: string): Promise<void> => {
  const source = join(packages, name, "src")
  const input = Object.fromEntries(globSync(join(source, "*.ts")).map((file) => [basename(file, ".ts"), file]))
  const build = await rolldown({
    input,
    // Bundle only the modules of the package itself.
    external: (id) => !id.startsWith(".") && !id.startsWith("/"),
    treeshake: false
  })
  await build.write({
    dir: target,
    format: "esm",
    sourcemap: true,
    chunkFileNames: "internal/[name].js",
    codeSplitting: { groups: [{ name: "common", test: common }] },
    // The declarations have the comments. In the JavaScript they would only take memory.
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
