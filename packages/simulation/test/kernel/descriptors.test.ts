import { expect, it } from "vitest"
import { Descriptors } from "../../src/internal/kernel/descriptors.ts"

it("descriptors are free up to the lowest limit, and limits end in any order, each once", () => {
  const descriptors = new Descriptors(3)
  const free = () => {
    const opened: Array<object> = []
    while (descriptors.isFree) {
      const socket = {}
      descriptors.open(socket)
      opened.push(socket)
    }
    for (const socket of opened) descriptors.close(socket)
    return opened.length
  }
  expect(free()).toBe(3)
  const [two, one, twoAgain, ten] = [2, 1, 2, 10].map((limit) => descriptors.limit(limit))
  expect(free()).toBe(1)
  one!()
  expect(free()).toBe(2)
  two!()
  two!()
  ten!()
  expect(free()).toBe(2)
  descriptors.open({})
  twoAgain!()
  expect(free()).toBe(2)
  descriptors.clear()
  expect(free()).toBe(3)
})
