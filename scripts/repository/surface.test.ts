import { describe, expect, it } from "vitest"
import { readPackages } from "./declarations.ts"
import { manifest, read } from "./files.ts"
import { rootOf, surfaceOf } from "./surface.ts"

const packages = readPackages()

describe.each(packages)("the public surface of $name", (each) => {
  it("is the one in surface.txt (npm run surface, and look at the difference)", () => {
    expect(surfaceOf(each)).toBe(read(`${each.folder}/surface.txt`))
  })

  it("is in the root module (npm run surface)", () => {
    expect(rootOf(each.folder)).toBe(read(`${each.folder}/src/index.ts`))
  })

  it("is published as it is developed", () => {
    const { exports = {}, publishConfig } = manifest(each.folder)
    const built = Object.entries(exports).map(([name, path]) =>
      [name, path.replace(/^\.\/src\/([\w/]+)\.ts$/, "./dist/$1.js")] as const
    )
    expect(publishConfig?.exports).toEqual(Object.fromEntries(built))
  })
})
