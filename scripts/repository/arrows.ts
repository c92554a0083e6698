/** Checks the direction of imports: between packages, into a package, and between the layers of one. */
import type { Import } from "./imports.ts"
import type { Layers } from "./layers.ts"

/** The imports of each file. */
export type Graph = ReadonlyMap<string, ReadonlyArray<Import>>

const packageOf = (file: string) => /^packages\/([^/]+)\//.exec(file)?.[1]

/** The public module, the room or the file directly in `internal` that a source file is in. */
export const unitOf = (file: string): string => {
  const path = file.replace(/^packages\/[^/]+\/src\//, "").split("/")
  if (path[0] !== "internal") return path[0]!.replace(/\.ts$/, "")
  return `internal/${path[1]!.replace(/\.ts$/, "")}`
}

const isSource = (file: string) => /^packages\/[^/]+\/src\//.test(file)
const isInternal = (file: string) => file.includes("/src/internal/")

/** The imports of a package's source that neither Effect nor `allowed` provides. */
export const strangers = (
  graph: Graph,
  name: string,
  allowed: ReadonlyArray<RegExp>
): ReadonlyArray<string> =>
  violations(graph, (file, { specifier, target }) => {
    if (packageOf(file) !== name || !isSource(file)) return undefined
    if (specifier.startsWith(".")) {
      return packageOf(target) === name && isSource(target) ? undefined : `leaves the source of ${name}`
    }
    if (specifier.startsWith("effect/") || allowed.some((pattern) => pattern.test(specifier))) return undefined
    const why = specifier.startsWith("@sluice/") ? "this arrow points the wrong way" : "see outside in layers.ts"
    return `${name} does not depend on it: ${why}`
  })

/** The imports from one package into the source of another by a path. */
export const trespasses = (graph: Graph): ReadonlyArray<string> =>
  violations(
    graph,
    (file, { specifier, target }) =>
      specifier.startsWith(".") && isSource(target) && packageOf(target) !== packageOf(file)
        ? `import @sluice/${packageOf(target)}/… instead`
        : undefined
  )

/** The imports of a package that point from a layer to a higher one, and the units that have no layer. */
export const climbs = (graph: Graph, name: string, layers: Layers): ReadonlyArray<string> => {
  const heights = new Map(layers.flatMap((units, index) => units.map((unit) => [unit, index] as const)))
  const height = (unit: string) =>
    heights.get(unit) ?? (unit.startsWith("internal/") ? heights.get("internal") : undefined)
  const homeless = new Set(
    [...graph.keys()].filter((file) => packageOf(file) === name && isSource(file)).map(unitOf)
      .filter((unit) => unit !== "index" && height(unit) === undefined)
  )
  return [
    ...Array.from(homeless, (unit) => `${unit} of ${name} has no layer: give it one in layers.ts`),
    ...violations(graph, (file, { target, isType }) => {
      if (packageOf(file) !== name || packageOf(target) !== name || !isSource(file) || !isSource(target)) {
        return undefined
      }
      const [from, to] = [unitOf(file), unitOf(target)]
      if (from === to || (isType && isInternal(file) && !isInternal(target))) return undefined
      const [low, high] = [height(from), height(to)]
      return low === undefined || high === undefined || high <= low ? undefined : `${to} is in a layer above ${from}`
    })
  ]
}

/** The circles between the units of a package, each as `a → b → a`. Types that a room takes from public modules do not count. */
export const unitCircles = (graph: Graph, name: string): ReadonlyArray<string> => {
  const units = new Map<string, Set<string>>()
  for (const [file, imports] of graph) {
    if (packageOf(file) !== name || !isSource(file)) continue
    const targets = units.get(unitOf(file)) ?? new Set()
    units.set(unitOf(file), targets)
    for (const { target, isType } of imports) {
      if (packageOf(target) !== name || !isSource(target) || (isType && isInternal(file) && !isInternal(target))) {
        continue
      }
      if (unitOf(target) !== unitOf(file)) targets.add(unitOf(target))
    }
  }
  return circles(units)
}

/** The circles between files at run time, each as `a → b → a`. */
export const fileCircles = (graph: Graph): ReadonlyArray<string> =>
  circles(
    new Map(
      Array.from(
        graph,
        ([file, imports]) => [file, new Set(imports.filter((each) => !each.isType).map((each) => each.target))] as const
      )
    )
  )

const violations = (graph: Graph, problem: (file: string, imported: Import) => string | undefined) =>
  Array.from(graph).flatMap(([file, imports]) =>
    imports.flatMap((each) => {
      const why = problem(file, each)
      return why === undefined ? [] : [`${file}:${each.line} imports ${each.target}: ${why}`]
    })
  )

/** One circle for each node that begins one, and of the circles through a node the shortest. */
const circles = (edges: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyArray<string> => {
  const found = new Map<string, string>()
  for (const start of edges.keys()) {
    const path = wayBack(edges, start)
    if (path === undefined) continue
    const key = [...path].toSorted().join(" ")
    if (!found.has(key)) found.set(key, [...path, start].join(" → "))
  }
  return [...found.values()]
}

/** The nodes of a shortest circle through a node, which is the first of them. */
const wayBack = (edges: ReadonlyMap<string, ReadonlySet<string>>, start: string) => {
  const queue: Array<ReadonlyArray<string>> = [[start]]
  const seen = new Set<string>()
  for (const path of queue) {
    for (const next of edges.get(path.at(-1)!) ?? []) {
      if (next === start) return path
      if (seen.has(next)) continue
      seen.add(next)
      queue.push([...path, next])
    }
  }
  return undefined
}
