import type { Page } from "./page.ts"

/** The records from top to bottom in time, beside the lanes of the hosts. Only what is in view is drawn. */
export const drawTimeline = (page: Page): void => {
  const { data } = page
  const list = page.element("list")
  const sizer = page.element("sizer")
  const box = page.element("rows")
  const header = page.element("lanes")
  const svg = document.getElementById("drawing")!
  // The top of each row that is shown, and of what is behind the last one.
  let tops = new Float64Array(1)
  let timeWidth = 0
  let step = 0
  let requested = false

  const laneX = (lane: number) => timeWidth + step * (lane + 0.5)
  const top = (place: number) => tops[Math.max(0, Math.min(place, tops.length - 1))]!
  const middle = (place: number) => top(place) + page.rowHeight / 2

  // Where the last row is that `isBefore` says of, among those that are shown.
  const find = (isBefore: (place: number) => boolean): number => {
    let low = 0
    let high = page.shown.length
    while (low < high) {
      const half = (low + high) >> 1
      if (isBefore(half)) low = half + 1
      else high = half
    }
    return low - 1
  }
  const placeOf = (row: number) => find((place) => page.shown[place]! <= row)
  const atOf = (place: number) => data.rows[page.shown[place]!]!.at

  // Between two rows a time is where its share of the distance is.
  const yOf = (at: number): number => {
    const place = find((each) => atOf(each) <= at)
    if (place < 0) return middle(0)
    if (place >= page.shown.length - 1) return middle(place) + page.rowHeight
    const share = (at - atOf(place)) / (atOf(place + 1) - atOf(place))
    return middle(place) + share * (middle(place + 1) - middle(place))
  }

  const layOut = () => {
    const { rowHeight, shown } = page
    const width = list.clientWidth
    const isNarrow = width < 560
    timeWidth = isNarrow ? 74 : 96
    const lanes = Math.max(1, data.lanes.length)
    // Many lanes are narrow, with slanted names.
    const least = lanes <= 8 ? (isNarrow ? 44 : 56) : 16
    step = Math.max(least, Math.min(150, (width * (isNarrow ? 0.4 : 0.45) - timeWidth / 2) / lanes))
    tops = new Float64Array(shown.length + 1)
    for (let place = 0, y = 4; place <= shown.length; place++) {
      if (place > 0 && place < shown.length) {
        // A pause is seen as one, and a long one is cut short.
        const pause = (atOf(place) - atOf(place - 1)) / 1000
        if (pause >= 1) y += Math.min(2, Math.log2(1 + pause) / 8) * rowHeight
      }
      tops[place] = y
      y += rowHeight
    }
    const full = timeWidth + step * lanes
    const needed = full + (isNarrow ? 125 : 200)
    header.classList.toggle("slanted", step < 44)
    sizer.style.height = `${top(shown.length) + rowHeight}px`
    sizer.style.minWidth = `${needed}px`
    list.style.setProperty("--text", `${full + 10}px`)
    list.style.setProperty("--row", `${rowHeight}px`)
    header.style.minWidth = `${needed}px`
    header.replaceChildren(...data.lanes.map((name, lane) => {
      const label = page.make("span", lane < data.hosts ? "lane" : "lane client", name)
      label.title = name
      label.style.left = `${laneX(lane)}px`
      label.style.maxWidth = step < 44 ? "90px" : `${step - 4}px`
      return label
    }))
  }

  const shape = (tag: string, className: string, attributes: Readonly<Record<string, number | string>>) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag)
    made.setAttribute("class", className)
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value))
    svg.append(made)
  }

  const line = (className: string, x1: number, y1: number, x2: number, y2: number) =>
    shape("line", className, { x1, y1, x2, y2 })

  const drawArrow = (place: number, offset: number) => {
    const index = page.shown[place]!
    const row = data.rows[index]!
    if (row.from < 0) return
    const state = `${row.kind}${index === page.cursor ? " current" : ""}`
    const x1 = laneX(row.from)
    const y1 = middle(place) - offset
    const isPacket = row.kind === "message" || row.kind === "control" || row.kind === "ack"
    if (!isPacket || row.from === row.to) {
      shape("circle", `dot ${row.isBad ? "bad " : ""}${state}`, { cx: x1, cy: y1, r: 4 })
      return
    }
    const x2 = row.to < 0 ? x1 + step / 2 : laneX(row.to)
    const y2 = row.arrival === undefined ? y1 + 6 : yOf(row.arrival) - offset
    if (row.arrival === undefined) {
      const x = (x1 + x2) / 2
      line(`arrow gone ${state}`, x1, y1, x, y2)
      shape("path", `cross ${state}`, { d: `M${x - 4} ${y2 - 4}l8 8m0-8l-8 8` })
      return
    }
    line(`arrow ${state}`, x1, y1, x2, y2)
    const angle = Math.atan2(y2 - y1, x2 - x1)
    const corner = (turn: number) => `${x2 - 8 * Math.cos(angle + turn)} ${y2 - 8 * Math.sin(angle + turn)}`
    shape("path", `head ${state}`, { d: `M${x2} ${y2}L${corner(0.4)}L${corner(-0.4)}Z` })
  }

  const drawExtents = (offset: number, height: number) => {
    const from = (first: number) => Math.max(-20, middle(Math.max(0, placeOf(first))) - offset)
    const to = (last: number | undefined) =>
      Math.min(height + 20, (last === undefined ? top(page.shown.length) : middle(placeOf(last))) - offset)
    for (const { first, isDown, isLink, lanes, last } of data.faults) {
      const [y1, y2] = [from(first), to(last)]
      if (y2 <= y1 || lanes.length === 0) continue
      if (isLink) {
        const x = laneX(Math.min(...lanes))
        const width = laneX(Math.max(...lanes)) - x
        shape("rect", "fault link", { x, y: y1, width, height: y2 - y1 })
      } else {
        for (const lane of lanes) {
          shape("rect", isDown ? "fault down" : "fault", { x: laneX(lane) - 15, y: y1, width: 30, height: y2 - y1 })
        }
      }
    }
    for (const [lane] of data.lanes.entries()) line("life", laneX(lane), -20, laneX(lane), height + 20)
    const clients = new Map<number, Array<string>>()
    for (const { client, first, lane, last, violation } of data.calls) {
      const [y1, y2] = [from(first), to(last)]
      if (y2 < y1 || y2 < 0 || y1 > height || lane < 0) continue
      // Calls of several clients on a host are beside each other.
      const known = clients.get(lane) ?? []
      if (!known.includes(client)) known.push(client)
      clients.set(lane, known)
      const beside = known.indexOf(client) % 3
      const bar = { x: laneX(lane) - 8 - 5 * beside, y: y1, width: 4, height: Math.max(4, y2 - y1), rx: 2 }
      shape("rect", violation === "" ? "call" : "call bad", bar)
    }
  }

  const drawRow = (place: number): HTMLElement => {
    const index = page.shown[place]!
    const { at, fate, isBad, kind, text } = data.rows[index]!
    const isMatch = page.query !== "" && page.describe(index).toLowerCase().includes(page.query)
    const lost = fate === "" ? "" : " gone"
    const row = page.make("div", `row ${kind}${isBad ? " bad" : ""}${isMatch ? " match" : ""}${lost}`)
    row.id = `row-${index}`
    row.setAttribute("role", "option")
    row.setAttribute("aria-selected", String(index === page.cursor))
    row.setAttribute("aria-setsize", String(page.shown.length))
    row.setAttribute("aria-posinset", String(place + 1))
    row.setAttribute("aria-label", page.describe(index))
    row.style.top = `${top(place)}px`
    const label = page.make("span", "text", text)
    if (fate !== "") label.append(page.make("em", "", fate))
    row.append(page.make("span", "time", page.time(at)), label)
    row.addEventListener("click", () => page.select(index))
    return row
  }

  const draw = () => {
    requested = false
    const { clientHeight, scrollTop } = list
    const offset = Math.max(0, scrollTop - 100)
    const height = clientHeight + 200
    const first = Math.max(0, find((place) => top(place + 1) < offset))
    const last = Math.min(page.shown.length - 1, find((place) => top(place) < offset + height))
    const width = sizer.clientWidth
    svg.replaceChildren()
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
    svg.setAttribute("width", String(width))
    svg.setAttribute("height", String(height))
    svg.style.transform = `translateY(${offset}px)`
    const rows: Array<HTMLElement> = []
    drawExtents(offset, height)
    // Packets that were sent before what is in view may arrive in it.
    for (let place = Math.max(0, first - 200); place <= last; place++) {
      const { arrival } = data.rows[page.shown[place]!]!
      if (place >= first || (arrival !== undefined && yOf(arrival) >= offset)) drawArrow(place, offset)
      if (place >= first) rows.push(drawRow(place))
    }
    box.replaceChildren(...rows)
    const current = `row-${page.cursor}`
    if (document.getElementById(current) === null) list.removeAttribute("aria-activedescendant")
    else list.setAttribute("aria-activedescendant", current)
  }

  const request = () => {
    if (requested) return
    requested = true
    requestAnimationFrame(draw)
  }

  // A third of the view is before the current row, so that what led to it is seen.
  const reveal = (isFar: boolean) => {
    const y = top(page.place())
    const { clientHeight, scrollTop } = list
    const head = header.clientHeight
    if (isFar) list.scrollTop = y - clientHeight * 0.6
    else if (y < scrollTop + page.rowHeight) list.scrollTop = y - page.rowHeight
    else if (y + 3 * page.rowHeight + head > scrollTop + clientHeight) {
      list.scrollTop = y + 3 * page.rowHeight + head - clientHeight
    }
    // Far away, a step would leave the reader at the edge.
    if (Math.abs(y - scrollTop) > 2 * clientHeight) list.scrollTop = y - clientHeight * 0.6
  }

  page.onChange((change) => {
    if (change !== "cursor") layOut()
    reveal(change !== "cursor")
    draw()
  })
  list.addEventListener("scroll", request, { passive: true })
  new ResizeObserver(() => {
    layOut()
    reveal(true)
    request()
  }).observe(list)
  layOut()
  reveal(true)
  draw()
}
