import { describe, expect, it } from "@effect/vitest"
import * as topics from "../../src/mqtt/topic.ts"
import { TopicTree } from "../../src/mqtt/TopicTree.ts"

/** All texts of up to three of these levels. */
const paths = (levels: ReadonlyArray<string>): ReadonlyArray<string> => {
  const one = levels.map((level) => [level])
  const two = one.flatMap((path) => levels.map((level) => [...path, level]))
  const three = two.flatMap((path) => levels.map((level) => [...path, level]))
  return [...one, ...two, ...three].map((path) => path.join("/")).filter((path) => path !== "")
}

const names = paths(["", "a", "b", "$s"])
const filters = paths(["", "a", "$s", "+", "#"]).filter(topics.isFilter)

/** Section 4.7 as a regular expression. */
const matches = (filter: string, topic: string): boolean => {
  if (topic.startsWith("$") && /^[+#]/.test(filter)) return false
  const body = filter.replaceAll("$", "\\$").replaceAll("+", "[^/]*").replace(/\/#$/, "(?:/.*)?").replace(/^#$/, ".*")
  return new RegExp(`^${body}$`).test(topic)
}

const treeOf = (keys: ReadonlyArray<string>) => {
  const tree = new TopicTree<{ readonly key: string }>()
  for (const key of keys) tree.set(key, { key })
  return tree
}
const sorted = (found: ReadonlyArray<{ readonly key: string }>) => found.map(({ key }) => key).sort()

describe("topics", () => {
  it.each<readonly [string, boolean]>([
    ["#", true],
    ["+", true],
    ["/", true],
    ["a/#", true],
    ["+/a/+/#", true],
    ["a//b", true],
    ["$SYS/#", true],
    ["", false],
    ["a#", false],
    ["a/b#", false],
    ["#/a", false],
    ["a/#/b", false],
    ["##", false],
    ["a+", false],
    ["+a/b", false],
    ["++", false],
    ["a\0", false]
  ])("%j is a filter: %s", (filter, expected) => expect(topics.isFilter(filter)).toBe(expected))

  it("finds the filters that match each topic, and the topics that each filter matches", () => {
    expect([names.length, filters.length]).toEqual([83, 104])
    const [byFilter, byName] = [treeOf(filters), treeOf(names)]
    const check = (has: (filter: string) => boolean) => {
      for (const name of names) {
        const expected = filters.filter((filter) => has(filter) && matches(filter, name))
        expect([name, ...sorted(byFilter.matching(name))]).toEqual([name, ...expected.sort()])
      }
    }
    check(() => true)
    for (const filter of filters) {
      const expected = names.filter((name) => matches(filter, name))
      expect([filter, ...sorted(byName.selected(filter))]).toEqual([filter, ...expected.sort()])
    }
    // What is deleted is gone, and nothing else is.
    for (const filter of filters) if (filter.includes("a")) byFilter.delete(filter)
    check((filter) => !filter.includes("a"))
    for (const filter of [...filters, "not/there"]) byFilter.delete(filter)
    expect(byFilter.size).toBe(0)
    check(() => false)
  })
})
