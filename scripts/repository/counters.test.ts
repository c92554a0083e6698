import { expect, it } from "vitest"
import { files, read } from "./files.ts"

/** Counters of a module that no program sees. */
const unseen = [
  // Which copy of a function compiles a codec.
  "codec/src/internal/compose/sites.ts: nextRead",
  "codec/src/internal/compose/sites.ts: nextWrite",
  // How much of a block of memory is used.
  "simulation/src/internal/fabric/copyPool.ts: used"
]

it("no module counts: a name with such a number depends on what ran before, and no simulation could be repeated", () => {
  const counters = files("packages/{framing,proxy,codec,core,client,node,simulation,conformance}/src/**/*.ts").flatMap(
    (file) => {
      const source = read(file)
      const variables = Array.from(source.matchAll(/^(?:export )?let (\w+)[^=\n]*= -?[\d_]+n?$/gm), ([, name]) => name!)
      return variables
        .filter((name) => new RegExp(`(\\+\\+|--)${name}\\b|\\b${name}(\\+\\+|--| [+-]= )`).test(source))
        .map((name) => `${file.slice("packages/".length)}: ${name}`)
    }
  )
  expect(counters).toEqual(unseen)
})
