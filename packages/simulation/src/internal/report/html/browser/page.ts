import type { PageData } from "./pageData.ts"

/** What changed: the current record, which records are shown, or how they are laid out. */
export type Change = "cursor" | "rows" | "zoom"

/** What the parts of the page share. */
export interface Page {
  readonly data: PageData
  readonly element: <E extends HTMLElement = HTMLElement>(id: string) => E
  /** An element with text, which is never parsed. */
  readonly make: (tag: string, className: string, text?: string) => HTMLElement
  /** Indexes of the rows that the filter shows. */
  shown: ReadonlyArray<number>
  /** The index of the current row. */
  cursor: number
  /** What the reader looks for, in lower case. */
  query: string
  rowHeight: number
  /** The place of the current row among those that are shown; of the last one before it, if it is not shown. */
  readonly place: () => number
  readonly time: (at: number) => string
  /** The text of a row with its hosts, for searching and for screen readers. */
  readonly describe: (row: number) => string
  readonly select: (row: number) => void
  /** Moves the cursor among the rows that are shown. */
  readonly step: (by: number) => void
  readonly onChange: (listener: (change: Change) => void) => void
  readonly changed: (change: Change) => void
}

/** Reads the data of the page. The function is put into the page as text, so it uses nothing from outside of itself. */
export const makePage = (): Page => {
  const listeners: Array<(change: Change) => void> = []
  const element = (id: string) => document.getElementById(id)!
  const data = JSON.parse(element("data").textContent) as PageData
  const time = (at: number) => (at / 1e6).toFixed(6)
  const page: Page = {
    data,
    element: element as Page["element"],
    make: (tag, className, text = "") => {
      const made = document.createElement(tag)
      made.className = className
      made.textContent = text
      return made
    },
    shown: data.rows.map((_, index) => index),
    cursor: data.start,
    query: "",
    rowHeight: 24,
    place: () => {
      let low = 0
      let high = page.shown.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (page.shown[middle]! <= page.cursor) low = middle + 1
        else high = middle
      }
      return Math.max(0, low - 1)
    },
    time,
    describe: (index) => {
      const { at, fate, from, kind, text, to } = data.rows[index]!
      const lane = data.lanes[from] ?? ""
      const way = kind === "message" || kind === "control" || kind === "ack"
        ? `${lane} to ${data.lanes[to] ?? "nowhere"}`
        : lane
      return [time(at), way, kind, text, fate].filter((part) => part !== "").join(", ")
    },
    select: (row) => {
      if (row < 0 || row >= data.rows.length) return
      page.cursor = row
      page.changed("cursor")
    },
    step: (by) => {
      const { length } = page.shown
      if (length === 0) return
      const row = page.shown[Math.min(length - 1, Math.max(0, page.place() + by))]!
      page.select(row)
    },
    onChange: (listener) => {
      listeners.push(listener)
    },
    changed: (change) => {
      for (const listener of listeners) listener(change)
    }
  }
  return page
}
