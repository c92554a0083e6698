import type { Page } from "./page.ts"
import type { Kind } from "./pageData.ts"

/** Filter, search, zoom, the scrubber, and the keyboard. */
export const bindControls = (page: Page): void => {
  const { data, make } = page
  const list = page.element("list")
  const scrubber = page.element<HTMLInputElement>("scrubber")
  const filter = page.element<HTMLInputElement>("filter")
  const search = page.element<HTMLInputElement>("search")
  const host = page.element<HTMLSelectElement>("host")
  const heights = [16, 20, 24, 32, 44]
  const names: Readonly<Record<Kind, string>> = {
    message: "messages",
    control: "SYN, FIN, RST",
    ack: "acknowledgments",
    timer: "timers",
    disk: "disk operations",
    fault: "faults",
    log: "log",
    mark: "marks",
    property: "properties",
    failure: "failures",
    call: "calls",
    span: "spans",
    gap: "gaps"
  }
  // What is mostly noise is shown when the reader asks for it.
  const hidden = new Set<Kind>(["ack", "span"])

  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter((word) => word !== "")
    const lane = Number(host.value)
    page.shown = data.rows.flatMap((row, index) => {
      if (hidden.has(row.kind)) return []
      if (lane >= 0 && row.from !== lane && row.to !== lane) return []
      if (words.length === 0) return [index]
      const text = page.describe(index).toLowerCase()
      return words.every((word) => text.includes(word)) ? [index] : []
    })
    page.element("count").textContent = `${page.shown.length} of ${data.rows.length} records shown`
    scrubber.max = String(Math.max(0, page.shown.length - 1))
    drawOverview()
    page.changed("rows")
    place()
  }

  // ---------------------------------------------------------------------------------------------------------------
  // The scrubber
  // ---------------------------------------------------------------------------------------------------------------

  const overview = document.getElementById("overview")!
  const drawOverview = () => {
    const last = Math.max(1, page.shown.length - 1)
    const places = new Map(page.shown.map((row, index) => [row, index]))
    const marks = new Map<string, SVGElement>()
    const mark = (className: string, from: number, width: number) => {
      const x = (from / last) * 1000
      const key = `${className} ${Math.round(x)}`
      if (marks.has(key)) return
      const made = document.createElementNS("http://www.w3.org/2000/svg", "rect")
      made.setAttribute("class", className)
      made.setAttribute("x", String(x - (width === 0 ? 1.5 : 0)))
      made.setAttribute("width", String(width === 0 ? 3 : (width / last) * 1000))
      made.setAttribute("height", className === "lost" ? "8" : "24")
      made.setAttribute("y", className === "lost" ? "16" : "0")
      marks.set(key, made)
    }
    for (const { first, last } of data.faults) {
      const begin = page.shown.findIndex((row) => row >= first)
      const end = last === undefined ? page.shown.length - 1 : page.shown.findIndex((row) => row >= last)
      if (begin >= 0) mark("fault", begin, Math.max(1, (end < 0 ? page.shown.length - 1 : end) - begin))
    }
    for (const [row, index] of places) {
      const { fate, isBad, kind } = data.rows[row]!
      if (fate !== "") mark("lost", index, 0)
      if (kind === "mark") mark("mark", index, 0)
      if (isBad) mark("bad", index, 0)
    }
    overview.replaceChildren(...marks.values())
  }

  const place = () => {
    scrubber.value = String(page.place())
    const row = data.rows[page.cursor]
    scrubber.setAttribute("aria-valuetext", row === undefined ? "no records" : `${page.time(row.at)} s, ${row.text}`)
    page.element("now").textContent = row === undefined ? "" : `${page.time(row.at)} s`
  }
  scrubber.addEventListener("input", () => {
    const row = page.shown[Number(scrubber.value)]
    if (row !== undefined) page.select(row)
  })

  // ---------------------------------------------------------------------------------------------------------------
  // Filter and search
  // ---------------------------------------------------------------------------------------------------------------

  const kinds = [...new Set(data.rows.map(({ kind }) => kind))]
  page.element("kinds").append(
    ...(Object.keys(names) as ReadonlyArray<Kind>).filter((kind) => kinds.includes(kind) && kind !== "gap").map(
      (kind) => {
        const label = make("label", `kind ${kind}`)
        const box = document.createElement("input")
        box.type = "checkbox"
        box.checked = !hidden.has(kind)
        box.addEventListener("change", () => {
          if (box.checked) hidden.delete(kind)
          else hidden.add(kind)
          apply()
        })
        label.append(box, names[kind])
        return label
      }
    )
  )
  host.append(...data.lanes.map((name, lane) => {
    const option = document.createElement("option")
    option.value = String(lane)
    option.textContent = name
    return option
  }))
  host.addEventListener("change", apply)
  filter.addEventListener("input", apply)

  const find = (by: 1 | -1) => {
    const { length } = page.shown
    if (page.query === "") return
    for (let count = 1, at = page.place(); count <= length; count++) {
      const row = page.shown[(at + count * by + count * length) % length]!
      if (page.describe(row).toLowerCase().includes(page.query)) return page.select(row)
    }
    page.element("live").textContent = `nothing found for ${page.query}`
  }
  search.addEventListener("input", () => {
    page.query = search.value.toLowerCase()
    page.changed("zoom")
  })
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") find(event.shiftKey ? -1 : 1)
  })

  // ---------------------------------------------------------------------------------------------------------------
  // Zoom, buttons and keys
  // ---------------------------------------------------------------------------------------------------------------

  const zoom = (by: number) => {
    const at = heights.indexOf(page.rowHeight) + by
    page.rowHeight = heights[Math.min(heights.length - 1, Math.max(0, at))]!
    page.changed("zoom")
  }
  // From one bad record to the next: a failure often has an earlier cause.
  const bad = data.rows.flatMap(({ isBad }, index) => isBad ? [index] : [])
  const toFailure = () => {
    const at = bad.indexOf(page.cursor)
    page.select(at === -1 ? data.start : bad[(at + 1) % bad.length]!)
  }
  const actions: Readonly<Record<string, () => void>> = {
    ArrowDown: () => page.step(1),
    ArrowRight: () => page.step(1),
    j: () => page.step(1),
    ArrowUp: () => page.step(-1),
    ArrowLeft: () => page.step(-1),
    k: () => page.step(-1),
    PageDown: () => page.step(10),
    PageUp: () => page.step(-10),
    Home: () => page.step(-Infinity),
    End: () => page.step(Infinity),
    f: toFailure,
    n: () => find(1),
    N: () => find(-1),
    "+": () => zoom(1),
    "-": () => zoom(-1),
    t: () => page.element("toggle").click(),
    "/": () => search.focus()
  }
  document.addEventListener("keydown", (event) => {
    const { target } = event
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const isField = target instanceof HTMLInputElement || target instanceof HTMLSelectElement
    if (isField) {
      if (event.key === "Escape") list.focus()
      return
    }
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined
    if (action === undefined) return
    event.preventDefault()
    action()
  })
  for (
    const [id, action] of Object.entries({
      failureButton: toFailure,
      backButton: () => page.step(-1),
      onButton: () => page.step(1),
      closerButton: () => zoom(1),
      fartherButton: () => zoom(-1)
    })
  ) page.element(id).addEventListener("click", action)

  page.onChange((change) => {
    if (change === "cursor") place()
  })
  apply()
  list.focus({ preventScroll: true })
}
