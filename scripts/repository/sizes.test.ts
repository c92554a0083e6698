import { dirname } from "node:path"
import { expect, it } from "vitest"
import { files, read } from "./files.ts"

const lines = 400
const filesInFolder = 15
/** Public modules are flat: each is a noun that people import. */
const flat = ["packages/core/src", "packages/simulation/src"]

const sources = files("packages/*/src/**/*.ts")

it(`no source file has more than ${lines} lines (a longer file is two concepts)`, () => {
  expect(sources.filter((file) => read(file).split("\n").length - 1 > lines)).toEqual([])
})

it(`no folder has more than ${filesInFolder} source files (a fuller folder is two rooms)`, () => {
  const folders = Map.groupBy(sources, dirname)
  const crowded = Array.from(folders).filter(([folder, files]) =>
    files.length > filesInFolder && !flat.includes(folder)
  )
  expect(crowded.map(([folder, files]) => `${folder}: ${files.length}`)).toEqual([])
})
