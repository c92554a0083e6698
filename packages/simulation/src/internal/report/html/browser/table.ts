import type { Page } from "./page.ts"

/** The same records as a table of text, in pages. */
export const showTable = (page: Page): void => {
  const { data, make } = page
  const size = 200
  let begin = -1

  const fill = () => {
    const last = Math.min(page.shown.length, begin + size)
    const rows = page.shown.slice(begin, last).map((index) => {
      const { at, fate, from, isBad, kind, text, to } = data.rows[index]!
      const row = make("tr", isBad ? "bad" : "")
      row.dataset["row"] = String(index)
      const when = make("th", "")
      when.setAttribute("scope", "row")
      const jump = make("button", "", page.time(at))
      jump.addEventListener("click", () => page.select(index))
      when.append(jump)
      const cells = [kind, data.lanes[from] ?? "", from === to ? "" : data.lanes[to] ?? "nowhere", text, fate]
      row.append(when, ...cells.map((cell) => make("td", "", cell)))
      return row
    })
    page.element("tableRows").replaceChildren(...rows)
    page.element("tableRange").textContent = `${
      page.shown.length === 0 ? 0 : begin + 1
    }–${last} of ${page.shown.length}`
    page.element<HTMLButtonElement>("tableBack").disabled = begin === 0
    page.element<HTMLButtonElement>("tableOn").disabled = last >= page.shown.length
  }

  // The page itself stays where it is.
  const reveal = ({ offsetHeight, offsetTop }: HTMLElement) => {
    const scroll = page.element("tableScroll")
    const isAbove = offsetTop < scroll.scrollTop + 2 * offsetHeight
    const isBelow = offsetTop + 2 * offsetHeight > scroll.scrollTop + scroll.clientHeight
    if (isAbove || isBelow) scroll.scrollTop = offsetTop - scroll.clientHeight / 2
  }

  const show = (isNew: boolean) => {
    const panel = page.element("table")
    if (panel.hidden) return
    const wanted = Math.floor(page.place() / size) * size
    if (isNew || wanted !== begin) {
      begin = wanted
      fill()
    }
    for (const row of page.element("tableRows").querySelectorAll<HTMLElement>("tr")) {
      const isCurrent = row.dataset["row"] === String(page.cursor)
      if (isCurrent) row.setAttribute("aria-current", "true")
      else row.removeAttribute("aria-current")
      if (isCurrent) reveal(row)
    }
  }

  const turn = (by: number) => () => {
    const row = page.shown[begin + by]
    if (row !== undefined) page.select(row)
  }
  page.element("tableBack").addEventListener("click", turn(-size))
  page.element("tableOn").addEventListener("click", turn(size))

  const toggle = page.element("toggle")
  toggle.addEventListener("click", () => {
    const isTable = page.element("table").hidden
    page.element("table").hidden = !isTable
    page.element("timeline").hidden = isTable
    toggle.setAttribute("aria-pressed", String(isTable))
    if (isTable) show(true)
    else page.changed("zoom")
  })
  page.onChange((change) => show(change === "rows"))
}
