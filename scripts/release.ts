/**
 * `npm run release -- 0.2.0`: sets the version of all packages, and dates its section of the changelog. Commit the result, tag
 * it `v0.2.0` and push the tag: the workflow `publish` publishes the packages.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { files, root } from "./repository/files.ts"

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

for (const manifest of files("package.json", "packages/*/package.json")) {
  const file = join(root, manifest)
  writeFileSync(file, readFileSync(file, "utf8").replace(/"version": "[^"]*"/, `"version": "${version}"`))
}
const template = join(root, "template/package.json")
writeFileSync(template, readFileSync(template, "utf8").replaceAll(/("@sluice\/\w+": )"[^"]*"/g, `$1"^${version}"`))
console.log(`version ${version}: commit it, git tag v${version}, and push the tag`)
