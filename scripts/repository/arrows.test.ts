import { describe, expect, it } from "vitest"
import { climbs, fileCircles, type Graph, strangers, trespasses, unitCircles } from "./arrows.ts"
import { files, published, read } from "./files.ts"
import { importsOf } from "./imports.ts"
import { layers, outside } from "./layers.ts"

const graphOf = (sources: Readonly<Record<string, string>>): Graph =>
  new Map(Object.entries(sources).map(([file, text]) => [file, importsOf(file, text)]))

const all = files("packages/*/{src,test,bench}/**/*.ts", "scripts/**/*.ts")
const graph = graphOf(Object.fromEntries(all.map((file) => [file, read(file)])))

describe("the packages", () => {
  it.each(published)("%s imports what it depends on", (name) => {
    expect(strangers(graph, name, outside[name] ?? [])).toEqual([])
  })

  it("reach each other through public modules", () => {
    expect(trespasses(graph)).toEqual([])
  })
})

describe.each(published)("the layers of %s", (name) => {
  it("import downward", () => {
    expect(climbs(graph, name, layers[name] ?? [])).toEqual([])
  })

  it("have no circle", () => {
    expect(unitCircles(graph, name)).toEqual([])
  })
})

it("no file imports itself by a circle", () => {
  expect(fileCircles(graph)).toEqual([])
})

describe("a broken rule is reported", () => {
  const core = (sources: Readonly<Record<string, string>>) =>
    graphOf(Object.fromEntries(Object.entries(sources).map(([file, text]) => [`packages/core/src/${file}`, text])))

  it("for a development package in production", () => {
    const broken = core({ "Server.ts": `import * as Fault from "@sluice/simulation/Fault"` })
    expect(strangers(broken, "core", [])).toEqual([
      "packages/core/src/Server.ts:1 imports @sluice/simulation/Fault: core does not depend on it: this arrow points the wrong way"
    ])
  })

  it("for a socket in a framing", () => {
    const broken = graphOf({
      "packages/framing/src/Framing.ts": `import * as Connection from "@sluice/core/Connection"`
    })
    expect(strangers(broken, "framing", outside["framing"]!)).toHaveLength(1)
  })

  it("for an operating system in core", () => {
    const broken = core({ "Server.ts": `const load = () => import("node:net")` })
    expect(strangers(broken, "core", [])).toHaveLength(1)
  })

  it("for node:process", () => {
    const broken = graphOf({ "packages/node/src/Systemd.ts": `import { versions } from "node:process"` })
    expect(strangers(broken, "node", outside["node"]!)).toHaveLength(1)
  })

  it("for a way around the public modules", () => {
    const broken = graphOf({
      "packages/simulation/src/Host.ts": `import { State } from "../../core/src/internal/connection/state.ts"`
    })
    expect(trespasses(broken)).toHaveLength(1)
    expect(strangers(broken, "simulation", [])).toHaveLength(1)
  })

  it("for an import of a layer above, a type as well", () => {
    const layers = [["internal/connection"], ["internal/server", "Server"]]
    const broken = core({
      "internal/connection/state.ts": `import type { Session } from "../server/session.ts"`,
      "internal/server/session.ts": `import { State } from "../connection/state.ts"`,
      "Server.ts": ""
    })
    expect(climbs(broken, "core", layers)).toEqual([
      "packages/core/src/internal/connection/state.ts:1 imports packages/core/src/internal/server/session.ts: " +
      "internal/server is in a layer above internal/connection"
    ])
    expect(unitCircles(broken, "core")).toEqual(["internal/connection → internal/server → internal/connection"])
    expect(fileCircles(broken)).toEqual([])
  })

  it("for a unit without a layer", () => {
    expect(climbs(core({ "Sever.ts": "" }), "core", [["Server"]])).toEqual([
      "Sever of core has no layer: give it one in layers.ts"
    ])
  })

  it("but not for the types of the module that a room implements", () => {
    const sound = core({
      "internal/server/session.ts": `import type * as Server from "../../Server.ts"`,
      "Server.ts": `import { Session } from "./internal/server/session.ts"`
    })
    expect(climbs(sound, "core", [["internal/server"], ["Server"]])).toEqual([])
    expect(unitCircles(sound, "core")).toEqual([])
  })

  it("for files that import each other at run time", () => {
    const broken = graphOf({ "a.ts": `export * from "./b.ts"`, "b.ts": `import {\n  a\n} from "./a.ts"` })
    expect(fileCircles(broken)).toEqual(["a.ts → b.ts → a.ts"])
  })

  it("for an import in a form that it does not know", () => {
    expect(() => core({ "a.ts": `import a = require("a")` })).toThrow("src/a.ts: cannot read 1 of its imports")
  })
})
