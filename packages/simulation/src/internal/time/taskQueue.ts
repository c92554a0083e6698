import type { RandomStream } from "./random.ts"

type Task = () => void

/**
 * Tasks that can run now. Those of the lowest priority number come first; among them the oldest, or one that chance
 * chooses.
 */
export class TaskQueue {
  readonly #random: RandomStream | undefined
  // In the order of arrival; of those before them, the oldest is the last.
  #arrived: Array<Task> = []
  #oldest: Array<Task> = []
  // Tasks of other priorities than 0 are rare.
  readonly #others = new Map<number, Array<Task>>()
  size = 0

  constructor(random: RandomStream | undefined) {
    this.#random = random
  }

  add(task: Task, priority: number): void {
    this.size++
    if (priority === 0) {
      this.#arrived.push(task)
      return
    }
    const others = this.#others.get(priority)
    if (others === undefined) this.#others.set(priority, [task])
    else others.push(task)
  }

  take(): Task | undefined {
    if (this.size > 0) this.size--
    if (this.#others.size === 0) return this.#takeUsual()
    const lowest = Math.min(...this.#others.keys())
    if (lowest > 0) {
      const usual = this.#takeUsual()
      if (usual !== undefined) return usual
    }
    const others = this.#others.get(lowest)!
    const [task] = others.splice(this.#random?.below(others.length) ?? 0, 1)
    if (others.length === 0) this.#others.delete(lowest)
    return task
  }

  clear(): void {
    this.#arrived = []
    this.#oldest = []
    this.#others.clear()
    this.size = 0
  }

  #takeUsual(): Task | undefined {
    const arrived = this.#arrived
    if (this.#random !== undefined) {
      if (arrived.length === 0) return undefined
      const index = this.#random.below(arrived.length)
      const last = arrived.pop()!
      if (index === arrived.length) return last
      const task = arrived[index]!
      arrived[index] = last
      return task
    }
    if (this.#oldest.length === 0) {
      this.#arrived = this.#oldest
      this.#oldest = arrived.reverse()
    }
    return this.#oldest.pop()
  }
}
