/** Values by topic or by filter. A lookup visits the levels that can match, and not every entry. */
import * as topics from "./topic.ts"

class Node<A> {
  readonly children = new Map<string, Node<A>>()
  value: A | undefined = undefined
}

export class TopicTree<A extends object> {
  readonly #root = new Node<A>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(path: string): A | undefined {
    let node: Node<A> | undefined = this.#root
    for (const level of path.split("/")) node = node?.children.get(level)
    return node?.value
  }

  set(path: string, value: A): void {
    let node = this.#root
    for (const level of path.split("/")) {
      let child = node.children.get(level)
      if (child === undefined) node.children.set(level, child = new Node())
      node = child
    }
    if (node.value === undefined) this.#size++
    node.value = value
  }

  delete(path: string): void {
    this.#prune(this.#root, path.split("/"))
  }

  /** Deletes a value, and each node that is left with nothing. */
  #prune(node: Node<A>, [level, ...levels]: ReadonlyArray<string>): void {
    if (level === undefined) {
      if (node.value !== undefined) this.#size--
      node.value = undefined
      return
    }
    const child = node.children.get(level)
    if (child === undefined) return
    this.#prune(child, levels)
    if (child.value === undefined && child.children.size === 0) node.children.delete(level)
  }

  /** In a tree of filters: the values of the filters that match a topic. */
  matching(topic: string): ReadonlyArray<A> {
    const levels = topic.split("/")
    const found: Array<A> = []
    const take = (node: Node<A> | undefined) => {
      if (node?.value !== undefined) found.push(node.value)
    }
    const visit = (node: Node<A> | undefined, depth: number): void => {
      if (node === undefined) return
      const isOpen = depth > 0 || !topics.isReserved(topic)
      if (isOpen) take(node.children.get("#"))
      if (depth === levels.length) return take(node)
      visit(node.children.get(levels[depth]!), depth + 1)
      if (isOpen) visit(node.children.get("+"), depth + 1)
    }
    visit(this.#root, 0)
    return found
  }

  /** In a tree of topics: the values of the topics that a filter matches. */
  selected(filter: string): ReadonlyArray<A> {
    const levels = filter.split("/")
    const found: Array<A> = []
    const visit = (node: Node<A> | undefined, depth: number): void => {
      if (node === undefined) return
      const level = levels[Math.min(depth, levels.length - 1)]!
      // A `#` stands for its parent, too.
      if (node.value !== undefined && (depth === levels.length || level === "#")) found.push(node.value)
      if (level !== "#" && depth === levels.length) return
      if (level !== "#" && level !== "+") return visit(node.children.get(level), depth + 1)
      for (const [name, child] of node.children) {
        if (depth > 0 || !topics.isReserved(name)) visit(child, depth + 1)
      }
    }
    visit(this.#root, 0)
    return found
  }
}
