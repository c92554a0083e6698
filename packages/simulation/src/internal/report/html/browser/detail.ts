import type { Page } from "./page.ts"
import type { Actor, CallSpan } from "./pageData.ts"

/** What is so at the cursor: the record, the faults in effect, who waits for what, the calls. */
export const showDetail = (page: Page): void => {
  const { data, make } = page
  const limit = 200

  const holds = ({ first, last }: { readonly first: number; readonly last: number | undefined }) =>
    first <= page.cursor && (last === undefined || last > page.cursor)

  const fill = (id: string, items: ReadonlyArray<Node>, count = items.length) => {
    const section = page.element(id)
    section.hidden = items.length === 0
    const rest = count > items.length ? [make("p", "note", `and ${count - items.length} more`)] : []
    section.querySelector(".content")!.replaceChildren(...items, ...rest)
  }

  const showRecord = () => {
    const row = data.rows[page.cursor]
    page.element("position").textContent = row === undefined
      ? "no records"
      : `record ${page.cursor + 1} of ${data.rows.length}`
    const terms = (row?.detail ?? []).flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)])
    page.element("what").textContent = row?.text ?? ""
    page.element("what").classList.toggle("bad", row?.isBad === true)
    page.element("record").replaceChildren(...terms)
  }

  const showFaults = () => {
    const names = data.faults.filter(holds).map(({ name }) => make("li", "fault", name))
    fill("faults", names.slice(0, limit), names.length)
    const spans = data.spans.filter(holds)
    const labels = spans.map(({ host, name }) => make("li", "", host === "" ? name : `${host}: ${name}`))
    fill("spans", labels.slice(0, limit), labels.length)
  }

  const showWaits = () => {
    if (data.waits === undefined) {
      const hint = "not recorded: run the seed with trace: { waits: 0 } to see what fibers and sockets wait for"
      return fill("waits", [make("p", "note", hint)])
    }
    const { actors, changes, states } = data.waits
    const now = new Map<string, Actor & { readonly state: string }>()
    for (const [row, index, state] of changes) {
      if (row > page.cursor) break
      const actor = actors[index]!
      if (state === 0) now.delete(actor.key)
      else now.set(actor.key, { ...actor, state: states[state]! })
    }
    const groups = Map.groupBy(now.values(), ({ host }) => host)
    const order = [...new Set([...data.lanes, ...groups.keys()])].filter((host) => groups.has(host))
    const isNameless = ({ kind, name }: Actor) => kind === "fiber" && name.startsWith("fiber ")
    const items = order.flatMap((host) => {
      const all = groups.get(host)!
      // Fibers without a name come last, and those that wait for the same are one entry.
      const alike = [...Map.groupBy(all.filter(isNameless), ({ state }) => state).values()].map((fibers) => {
        const numbers = fibers.map(({ name }) => name.slice("fiber ".length))
        return { ...fibers[0]!, name: `${fibers.length === 1 ? "fiber" : "fibers"} ${numbers.join(", ")}` }
      })
      const entries = [...all.filter((actor) => !isNameless(actor)), ...alike].map(({ kind, name, state }) => {
        const item = make("li", kind)
        item.append(make("b", "", name), make("span", "", `: ${state}`))
        return item
      })
      const listed = make("ul", "")
      listed.append(...entries.slice(0, limit))
      return [make("h4", "", host === "" ? "on no host" : host), listed]
    })
    if ([...now.values()].some(isNameless)) {
      items.push(make("p", "note", "Effect.fn and Effect.withSpan give fibers a name."))
    }
    fill("waits", items)
  }

  // The calls around the cursor, and those that have no place.
  const showCalls = () => {
    const { calls } = data
    const next = calls.findIndex(({ first }) => first > page.cursor)
    const middle = next === -1 ? calls.length : next
    const near = calls.slice(Math.max(0, middle - limit / 2), middle + limit / 2)
    const all = [...calls.filter((call) => call.violation !== "" && !near.includes(call)), ...near]
    page.element("history").hidden = calls.length === 0
    page.element("callRows").replaceChildren(...all.map(callRow))
    // The page itself stays where it is.
    const current = page.element("callRows").querySelector<HTMLElement>("[aria-current]")
    if (current !== null) page.element("callScroll").scrollTop = current.offsetTop - 60
    const violations = calls.filter(({ violation }) => violation !== "").length
    page.element("callCount").textContent = `${calls.length} calls${
      violations === 0 ? "" : `, ${violations} with no place in any order`
    }`
  }

  const callRow = (call: CallSpan): HTMLElement => {
    const row = make("tr", `${call.violation === "" ? "" : "bad"}${holds(call) ? " open" : ""}`)
    if (call.first === page.cursor || call.last === page.cursor) row.setAttribute("aria-current", "true")
    const jump = make("button", "", page.time(call.at))
    jump.setAttribute("aria-label", `go to the call at ${page.time(call.at)}`)
    jump.addEventListener("click", () => page.select(call.last ?? call.first))
    const when = make("td", "")
    when.append(jump)
    const order = call.order > 0 ? String(call.order) : call.violation === "" ? "" : "none"
    const answer = make("td", "", call.until === undefined ? "unknown" : call.output)
    if (call.violation !== "") answer.append(make("p", "why", call.violation))
    row.append(when, make("td", "", call.client), make("td", "", call.input), answer, make("td", "", order))
    return row
  }

  const show = () => {
    showRecord()
    showFaults()
    showWaits()
    showCalls()
    // The list itself tells a screen reader where it is.
    const isTold = document.activeElement === page.element("list")
    page.element("live").textContent = isTold || data.rows.length === 0 ? "" : page.describe(page.cursor)
  }
  page.onChange((change) => {
    if (change === "cursor") show()
  })
  show()
}
