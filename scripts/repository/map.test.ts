import { existsSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { read, root } from "./files.ts"

const text = read("CONTRIBUTING.md")

it("every path that CONTRIBUTING.md names exists", () => {
  const paths = Array.from(
    text.matchAll(/`((?:framing|proxy|core|client|node|simulation|conformance|codec|examples)\/[\w./-]+)`/g),
    ([, path = ""]) => `packages/${path}`
  )
  const others = Array.from(
    text.matchAll(/`((?:packages|scripts|docs|\.ci)(?:\/[\w./-]+)?)`/g),
    ([, path = ""]) => path
  )
  expect(paths.length).toBeGreaterThan(30)
  expect([...paths, ...others].filter((path) => !existsSync(join(root, path)))).toEqual([])
})

it("every walk of the map has at most 8 steps", () => {
  const walks = text.split("\n## The map\n")[1]!.split("\n### Where")[0]!.split("\n### ").slice(1)
  expect(walks.length).toBeGreaterThan(4)
  const steps = walks.map((walk) => [walk.split("\n")[0]!, walk.match(/^\d+\. /gm)?.length ?? 0] as const)
  expect(steps.filter(([, count]) => count === 0 || count > 8)).toEqual([])
})

it("the laws are numbered in order, and the conformance suite has those marked †", () => {
  const laws = Array.from(text.matchAll(/^- ([A-Z])(\d)( †)? /gm), ([, letter = "", number = "", mark]) => ({
    letter,
    number: Number(number),
    isChecked: mark !== undefined
  }))
  for (const group of Map.groupBy(laws, ({ letter }) => letter).values()) {
    expect(group.map(({ number }) => number)).toEqual(group.map((_, index) => index + 1))
  }
  const known = /type Law =([\s\S]*?)\n\n/.exec(read("packages/conformance/src/Check.ts"))?.[1] ?? ""
  const checked = laws.filter(({ isChecked }) => isChecked).map(({ letter, number }) => `"${letter}${number}"`)
  expect(checked.length).toBeGreaterThan(5)
  expect(checked.filter((law) => !known.includes(law))).toEqual([])
})
