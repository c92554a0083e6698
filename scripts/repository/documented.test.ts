import { describe, expect, it } from "vitest"
import { readPackages } from "./declarations.ts"

const modules = readPackages().flatMap((each) => each.modules)

describe("every public name", () => {
  it.each(modules)("of $name has a doc comment with @since and @category", ({ declarations }) => {
    const without = declarations.filter(({ comment, isExported }) =>
      isExported && !(/@since \d+\.\d+\.\d+/.test(comment) && /@category \S/.test(comment))
    )
    expect(without.map(({ name }) => name)).toEqual([])
  })
})
