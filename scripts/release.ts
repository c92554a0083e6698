/**
 * `npm run release -- 0.2.0`: gives all packages a version, and dates its section of the changelog. Commit the result, tag it
 * `v0.2.0` and push the tag: the workflow `publish` does the rest.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "..")
const fail = (message: string): never => {
  console.error(`release: ${message}`)
  process.exit(2)
}

const [version = ""] = process.argv.slice(2)
if (!/^\d+\.\d+\.\d+$/.test(version)) fail("no version; name one: npm run release -- 0.2.0")

const changelog = join(root, "CHANGELOG.md")
const text = readFileSync(changelog, "utf8")
const heading = `## ${version} (unreleased)`
if (!text.includes(`${heading}\n`)) fail(`CHANGELOG.md has no section "${heading}"; write what changed`)
writeFileSync(changelog, text.replace(heading, `## ${version} (${new Date().toISOString().slice(0, 10)})`))

for (
  const name of [
    "",
    ...["core", "node", "codec", "simulation", "conformance", "examples"].map((each) => `packages/${each}`)
  ]
) {
  const file = join(root, name, "package.json")
  writeFileSync(file, readFileSync(file, "utf8").replace(/"version": "[^"]*"/, `"version": "${version}"`))
}
const template = join(root, "template/package.json")
writeFileSync(template, readFileSync(template, "utf8").replaceAll(/("@sluice\/\w+": )"[^"]*"/g, `$1"^${version}"`))
console.log(`version ${version}: commit it, git tag v${version}, and push the tag`)
