import type { RandomStream } from "./random.ts"

type Task = () => void

/**
 * Tasks that can run now. Those of the lowest priority number come first; among them the oldest, or one that chance
 * chooses.
 */
export class TaskQueue {
  readonly #random: RandomStream | undefined
  #tasks: Array<Task> = []
  #head = 0
  // Tasks of other priorities than 0 are rare.
  readonly #others = new Map<number, Array<Task>>()
  size = 0

  constructor(random: RandomStream | undefined) {
    this.#random = random
  }

  add(task: Task, priority: number): void {
    this.size++
    if (priority === 0) {
      this.#tasks.push(task)
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

  #takeUsual(): Task | undefined {
    const tasks = this.#tasks
    if (this.#head === tasks.length) return undefined
    if (this.#random !== undefined) {
      const index = this.#head + this.#random.below(tasks.length - this.#head)
      const task = tasks[index]!
      tasks[index] = tasks[tasks.length - 1]!
      tasks.pop()
      return task
    }
    const task = tasks[this.#head]!
    tasks[this.#head++] = undefined as never
    if (this.#head === tasks.length) {
      tasks.length = this.#head = 0
    } else if (this.#head > 4096 && this.#head > tasks.length / 2) {
      this.#tasks = tasks.slice(this.#head)
      this.#head = 0
    }
    return task
  }
}
