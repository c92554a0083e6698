/**
 * What is on the screen: the conversation that is open, the lists beside it, and the state of the connection.
 *
 * @import { Conversation, Item, State, View } from "./types.d.ts"
 * @import { Session } from "./session.js"
 */
import { avatar, element, hue, make } from "./dom.js"
import { fold } from "./session.js"

const together = 5 * 60_000

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" })
const day = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" })

/** @param {number} a @param {number} b */
const isSameDay = (a, b) => new Date(a).toDateString() === new Date(b).toDateString()

/** Text with its links. @param {string} text */
const words = (text) =>
  text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/).map((part, index) => {
    if (index % 2 === 0) return part
    const link = /** @type {HTMLAnchorElement} */ (make("a", "", part))
    link.href = part
    link.target = "_blank"
    link.rel = "noopener noreferrer"
    return link
  })

/**
 * @param {() => Session} session
 * @returns {View}
 */
export const makeView = (session) => {
  const log = element("log")
  const messages = element("messages")
  const latest = element("latest")
  const status = element("status")
  const text = /** @type {HTMLTextAreaElement} */ (element("text"))
  let isScheduled = false
  /** Items that are not drawn yet. @type {Array<Item>} */
  let fresh = []

  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 60
  const toEnd = () => {
    log.scrollTop = log.scrollHeight
  }

  /** @param {Item} item @param {Item | undefined} previous */
  const draw = (item, previous) => {
    const { at, kind, name } = item
    const parts = []
    if (previous === undefined || !isSameDay(previous.at, at)) parts.push(make("li", "day", day.format(at)))
    if (item.isNew) parts.push(make("li", "new", "New"))
    const line = make("li", kind)
    if (kind !== "said" && kind !== "acted") {
      line.textContent = item.text
      return [...parts, line]
    }
    const isMine = fold(name) === fold(session().me)
    const isMore = parts.length === 0 && previous?.kind === "said" && kind === "said" && previous.name === name &&
      at - previous.at < together
    if (isMore) line.classList.add("more")
    if (isMine) line.classList.add("mine")
    const author = make("b", "author", name)
    author.style.setProperty("--hue", String(hue(name)))
    const time = make("time", "", clock.format(at))
    time.setAttribute("datetime", new Date(at).toISOString())
    const said = make("p", "")
    said.append(...words(item.text))
    if (kind === "acted") said.prepend(author, " ")
    const head = make("div", "head")
    head.append(...(kind === "acted" ? [time] : [author, time]))
    line.append(...(isMore ? [] : [avatar(name)]), head, said)
    return [...parts, line]
  }

  const drawFresh = () => {
    if (fresh.length === 0) return
    const stays = isAtEnd()
    const { items } = session().active
    const begin = items.indexOf(/** @type {Item} */ (fresh.find((item) => items.includes(item))))
    fresh = []
    const drawn = items.slice(begin).flatMap((item, index) => draw(item, items[begin + index - 1]))
    // A flood of lines does not keep more elements than a conversation has.
    const most = 2 * items.length
    const over = Math.max(0, messages.children.length + drawn.length - most)
    for (let index = 0; index < over; index++) messages.firstElementChild?.remove()
    messages.append(...drawn)
    if (stays) toEnd()
    else latest.hidden = false
  }

  const drawEmpty = () => {
    const { items, kind, name } = session().active
    const empty = element("empty")
    empty.hidden = items.some((item) => item.kind === "said" || item.kind === "acted")
    empty.replaceChildren(
      make("strong", "", kind === "room" ? `Welcome to ${name}` : `You and ${name}`),
      make(
        "p",
        "",
        kind === "room"
          ? "Nothing has been said here yet. Write the first message."
          : "Only the two of you see these messages. They are not kept."
      )
    )
  }

  /** @param {"room" | "person"} kind @param {string} name @param {number} unread @param {string} [detail] */
  const entry = (kind, name, unread, detail = "") => {
    const { active } = session()
    const item = make("li", "")
    const button = /** @type {HTMLButtonElement} */ (make("button", "entry"))
    button.type = "button"
    button.title = name
    button.append(kind === "person" ? avatar(name) : make("span", "hash", "#"), make("span", "label", name))
    if (kind === active.kind && fold(name) === fold(active.name)) button.ariaCurrent = "page"
    if (unread !== 0) {
      const count = unread > 99 ? "99+" : unread > 0 ? String(unread) : ""
      const badge = make("span", unread > 0 ? "badge" : "badge dot", count)
      badge.append(make("span", "hidden", unread > 0 ? " unread" : "something new"))
      button.append(badge)
    } else if (detail !== "") button.append(make("span", "detail", detail))
    button.onclick = () => {
      session().show(session().find(kind, name))
      element("rooms").hidePopover()
      element("people").hidePopover()
    }
    item.append(button)
    return item
  }

  /** Replaces what is in a list, and keeps the focus where it was. @param {string} id @param {Array<HTMLElement>} items */
  const fill = (id, items) => {
    const list = element(id)
    const html = items.map(({ outerHTML }) => outerHTML).join()
    if (list.dataset["shown"] === html) return
    const focused = Array.from(list.children).findIndex((child) => child.contains(document.activeElement))
    list.replaceChildren(...items)
    list.dataset["shown"] = html
    if (focused >= 0) list.children[Math.min(focused, items.length - 1)]?.querySelector("button")?.focus()
  }

  const drawLists = () => {
    const { active, conversations, joined, me, rooms, state } = session()
    const known = conversations.filter(({ kind }) => kind === "room")
    /** @param {string} room */
    const peopleIn = (room) => rooms.find(({ name }) => fold(name) === fold(room))?.people ?? 0
    const listed = known
      .filter((room) => room === active || room === joined || room.last > 0 || peopleIn(room.name) > 0)
      .map(({ name }) => name)
    for (const { name } of rooms) if (!listed.some((each) => fold(each) === fold(name))) listed.push(name)
    listed.sort((a, b) => peopleIn(b) - peopleIn(a) || a.localeCompare(b, undefined, { numeric: true }))
    /** @param {string} name */
    const unreadIn = (name) => {
      const room = known.find((each) => fold(each.name) === fold(name))
      if (room === undefined) return 0
      return room.unread || (room !== joined && room.last > 0 && room.announced > room.last ? -1 : 0)
    }
    fill("roomList", listed.map((name) => entry("room", name, unreadIn(name), String(peopleIn(name) || ""))))
    const persons = conversations.filter((each) => each.kind === "person" && (each.items.length > 0 || each === active))
    fill("privateList", persons.map(({ name, unread }) => entry("person", name, unread)))
    element("noPrivate").hidden = persons.length > 0
    element("privateTitle").hidden = persons.length === 0

    const names = joined?.people ?? []
    const count = names.length + (joined?.more ?? 0)
    element("peopleTitle").textContent = joined === undefined ? "In no room" : `In ${joined.name} — ${count}`
    fill("peopleList", [
      ...names.map((name) => {
        if (fold(name) !== fold(me)) return entry("person", name, 0)
        const item = make("li", "entry self")
        item.append(avatar(name), make("span", "label", name), make("span", "detail", "you"))
        return item
      }),
      ...(joined !== undefined && joined.more > 0 ? [make("li", "hint", `and ${joined.more} more`)] : [])
    ])

    const unread = conversations.reduce((sum, each) => sum + each.unread, 0)
    element("title").textContent = active.kind === "room" ? `# ${active.name}` : active.name
    element("subtitle").textContent = active.kind === "person"
      ? "private"
      : active !== joined
      ? session().isEntering || state.tag !== "open" ? "entering…" : "you are not here: write to enter"
      : count === 1
      ? "only you are here"
      : `${count} people`
    element("count").textContent = String(count)
    element("peopleButton").ariaLabel = `People: ${count}`
    element("elsewhere").hidden = unread === active.unread
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${active.name} · Chat`
    text.placeholder = `Message ${active.kind === "room" ? "#" : ""}${active.name}`
    const mine = /** @type {HTMLInputElement} */ (element("myName"))
    if (document.activeElement !== mine) mine.value = me
    element("myAvatar").replaceWith(Object.assign(avatar(me || "?"), { id: "myAvatar" }))
    element("dot").className = state.tag
    element("dot").title = state.tag === "open" ? "connected" : state.tag
  }

  const drawPending = () => {
    const stays = isAtEnd()
    const items = session().pending().map((outgoing) => make("li", "", outgoing.text))
    element("pending").replaceChildren(...items)
    if (stays) toEnd()
  }

  /** @type {ReturnType<typeof setInterval> | undefined} */
  let counting
  /** @param {string} said @param {string} [action] */
  const say = (said, action) => {
    const button = /** @type {HTMLButtonElement} */ (make("button", "", action))
    button.type = "button"
    button.onclick = () => session().retry()
    status.replaceChildren(make("span", "", said), ...(action === undefined ? [] : [button]))
    status.hidden = said === ""
  }

  const view = {
    refresh: () => {
      if (isScheduled) return
      isScheduled = true
      // Lines that arrive together are laid out once. A page in the background draws no frames, but still counts in its title.
      setTimeout(() => {
        isScheduled = false
        drawFresh()
        drawLists()
        drawPending()
        drawEmpty()
      }, 30)
    },

    rebuild: () => {
      const { active } = session()
      log.ariaBusy = "true"
      fresh = []
      messages.replaceChildren(...active.items.flatMap((item, index) => draw(item, active.items[index - 1])))
      text.value = active.draft
      drawLists()
      drawPending()
      drawEmpty()
      const first = messages.querySelector(".new")
      if (first === null) toEnd()
      else first.scrollIntoView({ block: "center" })
      latest.hidden = true
      log.ariaBusy = "false"
      if (matchMedia("(hover: hover)").matches) text.focus()
    },

    /** @param {Conversation} conversation @param {Item} item */
    append: (conversation, item) => {
      if (conversation !== session().active) return
      fresh.push(item)
      view.refresh()
    },

    /** @param {State} state */
    showState: (state) => {
      clearInterval(counting)
      if (state.tag === "ended") return say(`You are no longer in the chat: ${state.why || "goodbye"}.`, "Join again")
      if (state.tag === "waiting") {
        const { until } = state
        const count = () =>
          say(`Connection lost. Next try in ${Math.max(1, Math.ceil((until - Date.now()) / 1000))} s.`, "Try now")
        count()
        counting = setInterval(count, 1000)
        return
      }
      say(
        state.tag === "open"
          ? ""
          : state.tag === "offline"
          ? "You are offline. What you write is sent when you are back."
          : "Connecting…"
      )
    },

    /** @param {string} words */
    giveBack: (words) => {
      if (text.value === "") text.value = words
    }
  }

  log.addEventListener("scroll", () => {
    if (isAtEnd()) latest.hidden = true
  })
  latest.addEventListener("click", toEnd)
  addEventListener("resize", toEnd)
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) session().read()
    view.refresh()
  })
  return view
}
