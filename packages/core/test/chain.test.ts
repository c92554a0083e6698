import { assert, describe, it } from "@effect/vitest"
import { Chain, type Link } from "../src/internal/collection/chain.ts"

class Named implements Link<Named> {
  readonly name: string
  previous: Named | undefined = undefined
  next: Named | undefined = undefined

  constructor(name: string) {
    this.name = name
  }
}

const make = () => {
  const links = ["a", "b", "c"].map((name) => new Named(name))
  const chain = new Chain<Named>()
  for (const link of links) chain.add(link)
  const names = () => chain.all.map(({ name }) => name).join("")
  return { chain, links, names }
}

describe("a chain", () => {
  it("has its links in the order of their arrival", () => {
    const { chain, names } = make()
    assert.deepStrictEqual([names(), chain.first?.name, chain.size], ["abc", "a", 3])
  })

  it("leaves out a link that is removed, wherever it was", () => {
    for (const [index, rest] of ["bc", "ac", "ab"].entries()) {
      const { chain, links, names } = make()
      assert.isTrue(chain.remove(links[index]!))
      assert.deepStrictEqual([names(), chain.first?.name, chain.size], [rest, rest[0], 2])
      chain.add(links[index]!)
      assert.deepStrictEqual([names(), chain.size], [`${rest}${links[index]!.name}`, 3])
    }
  })

  it("removes a link once", () => {
    const { chain, links, names } = make()
    for (const link of links) {
      assert.isTrue(chain.remove(link))
      assert.isFalse(chain.remove(link))
    }
    assert.deepStrictEqual([names(), chain.first, chain.size], ["", undefined, 0])
  })

  it("takes from a removed link what would keep its neighbors in memory", () => {
    const { chain, links } = make()
    chain.remove(links[1]!)
    assert.deepStrictEqual([links[1]!.previous, links[1]!.next], [undefined, undefined])
  })
})
