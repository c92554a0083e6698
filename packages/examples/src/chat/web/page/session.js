/**
 * The state behind the page: conversations, people, unread messages. Lines of the server come in, lines of the user go out.
 *
 * @import { Conversation, Item, Line, Outgoing, Past, RoomSummary, State, View } from "./types.d.ts"
 */
import { connect } from "./connection.js"
import { clean, makeOutbox } from "./outbox.js"

/** Items of a conversation that are kept. */
const mostItems = 500

/** @param {string} name */
export const fold = (name) => name.normalize("NFKC").toUpperCase().toLowerCase()

/**
 * @param {{ name: string, room: string, token: string }} identity
 * @param {View} view
 */
export const makeSession = (identity, view) => {
  let me = ""
  let wanted = identity.name
  let owned = ""
  // The user's name while another connection has it: mostly an old one whose loss the server has not noticed.
  let lost = ""
  let isGreeted = false
  // Whether the room is not entered yet, at first and after a lost connection.
  let isArriving = true
  let isFirst = true
  /** @type {State} */
  let state = { tag: "connecting" }
  /** @type {ReadonlyArray<RoomSummary>} */
  let rooms = []
  /** @type {Map<string, Conversation>} */
  const conversations = new Map()

  /**
   * @param {"room" | "person"} kind
   * @param {string} name
   */
  const find = (kind, name) => {
    const key = kind + fold(name)
    const known = conversations.get(key)
    if (known !== undefined) return known
    /** @type {Conversation} */
    const made = {
      kind,
      name,
      items: [],
      seen: new Set(),
      last: 0,
      announced: 0,
      unread: 0,
      people: [],
      more: 0,
      draft: "",
      isCaughtUp: true
    }
    conversations.set(key, made)
    return made
  }

  let active = find("room", identity.room)
  /** The room that the user is in. @type {Conversation | undefined} */
  let joined = active

  /** @param {Conversation} conversation @param {Item} item */
  const add = (conversation, item) => {
    const isSeen = conversation === active && !document.hidden
    const counts = item.kind === "said" || item.kind === "acted"
    if (counts && !isSeen && fold(item.name) !== fold(me)) {
      if (conversation.unread === 0) item.isNew = true
      conversation.unread++
    }
    conversation.items.push(item)
    if (conversation.items.length > mostItems) conversation.items.shift()
    view.append(conversation, item)
  }

  /** @param {"note" | "refusal"} kind @param {string} text @param {Conversation} [to] */
  const note = (kind, text, to = active) => {
    const last = to.items.at(-1)
    // A repeated refusal is shown once.
    if (last?.kind === "refusal" && last.text === text) return
    add(to, { kind, name: "", text, at: Date.now() })
  }

  /** @param {Past} past */
  const roomOf = ({ room }) => find("room", room ?? joined?.name ?? active.name)

  /** @param {Past} past */
  const keyOf = ({ at, spoken }) => `${at} ${spoken.name} ${spoken.text}`

  /** @param {Past} past */
  const said = (past) => {
    const { at, spoken } = past
    const conversation = roomOf(past)
    // After an absence, the first line should be the last one known.
    if (!conversation.isCaughtUp && at > conversation.last) {
      add(conversation, { kind: "gap", name: "", text: "older messages are no longer kept", at })
    }
    conversation.isCaughtUp = true
    if (conversation.seen.has(keyOf(past))) return
    conversation.seen.add(keyOf(past))
    if (conversation.seen.size > 2 * mostItems) {
      conversation.seen.delete(/** @type {string} */ (conversation.seen.values().next().value))
    }
    conversation.last = Math.max(conversation.last, at)
    add(conversation, { kind: spoken._tag === "Said" ? "said" : "acted", name: spoken.name, text: spoken.text, at })
  }

  /** @param {Conversation} room */
  const joinLine = (room) => {
    room.isCaughtUp = room.last === 0
    return room.isCaughtUp ? `/join ${room.name}` : `/rejoin ${room.name} ${room.last}`
  }

  /** @param {Outgoing} outgoing @param {string} why */
  const onRefused = ({ kind, text, to }, why) => {
    if (kind !== "join") {
      note("refusal", `not sent: ${why}`, to ?? active)
      return view.giveBack(text)
    }
    // The room cannot be entered: the user is still in the other one.
    if (to !== undefined && joined !== undefined) {
      conversations.delete(`room${fold(to.name)}`)
      if (active === to) show(joined)
    }
    note("refusal", why)
  }
  const outbox = makeOutbox((line) => connection.send(line), onRefused, () => view.refresh())

  // Sends the token, the name and the room.
  const greet = () => {
    clearTimeout(greeting)
    isGreeted = false
    if (lost !== "") wanted = lost
    lost = ""
    connection.send(`/token ${identity.token}`)
    if (wanted !== "") connection.send(`/nick ${wanted}`)
    isArriving = joined !== undefined
    if (joined === undefined) outbox.resume()
    else connection.send(joinLine(joined))
  }
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let greeting

  const connection = connect({
    onOpen: greet,
    onState: (next) => {
      state = next
      clearTimeout(greeting)
      if (next.tag !== "open") outbox.pause()
      view.showState(next)
      view.refresh()
    },
    onLine: (line) => {
      const isKnown = line._tag === "Past" && roomOf(line).seen.has(keyOf(line))
      receive(line, isKnown ? undefined : outbox.answer(line, me))
      view.refresh()
    }
  })

  /** @param {Conversation} room @param {(names: ReadonlyArray<string>) => ReadonlyArray<string>} change */
  const people = (room, change) => {
    room.people = change(room.people)
  }

  /** @param {Conversation} room @param {string} from @param {string} to */
  const renamed = (room, from, to) =>
    people(room, (names) => names.map((each) => fold(each) === fold(from) ? to : each))

  /** @param {string} name */
  const without = (name) => (/** @type {ReadonlyArray<string>} */ names) =>
    names.filter((each) => fold(each) !== fold(name))

  const reclaim = () => {
    clearTimeout(greeting)
    greeting = setTimeout(() => {
      if (lost !== "") connection.send(`/nick ${lost}`)
    }, 5000)
  }

  // Lists are on the screen already, but a typed command is answered, too.
  /** @param {string} command */
  const isAsked = (command) => outbox.all()[0]?.line === command

  /** @param {Line} line @param {Outgoing | undefined} answered */
  const receive = (line, answered) => {
    switch (line._tag) {
      case "Called":
        if (isGreeted && me !== line.name) note("note", `you are now called ${line.name}`)
        // The server sends `Renamed` to the others in the room, and `Called` to the user.
        if (joined !== undefined) renamed(joined, me, line.name)
        me = line.name
        if (isGreeted) lost = ""
        if (isGreeted || fold(me) === fold(wanted)) wanted = me
        if (fold(me) === fold(wanted)) owned = wanted
        isGreeted ||= fold(me) === fold(wanted) || wanted === ""
        return remember()
      case "Past":
        return said(line)
      case "Present": {
        const room = find("room", line.room)
        const asked = isArriving ? joined : answered?.to
        Object.assign(room, { name: line.room, people: line.names, more: line.more, isCaughtUp: true })
        joined = room
        // Rooms whose names look alike are one room.
        if (asked !== undefined && asked !== room) {
          conversations.delete(`room${fold(asked.name)}`)
          if (active === asked) show(room)
        }
        remember()
        if (isAsked("/who")) note("note", `in ${room.name}: ${room.people.join(", ")}`)
        if (!isArriving) return
        if (!isFirst) note("note", "connected again", room)
        isArriving = isFirst = false
        return outbox.resume()
      }
      case "Joined":
        if (joined === undefined || fold(line.name) === fold(me)) return
        people(joined, (names) => [...without(line.name)(names), line.name])
        return note("note", `${line.name} joined`, joined)
      case "Left":
        if (joined === undefined) return
        people(joined, without(line.name))
        return note("note", `${line.name} left (${line.why})`, joined)
      case "Renamed": {
        const partner = conversations.get(`person${fold(line.from)}`)
        if (partner !== undefined) {
          conversations.delete(`person${fold(line.from)}`)
          conversations.set(`person${fold(line.to)}`, partner)
          partner.name = line.to
        }
        if (joined === undefined) return
        renamed(joined, line.from, line.to)
        return note("note", `${line.from} is now called ${line.to}`, joined)
      }
      case "Whispered":
        return add(find("person", line.from), {
          kind: "said",
          name: line.from,
          text: line.text,
          at: line.at ?? Date.now()
        })
      case "Sent":
        return add(find("person", line.to), { kind: "said", name: me, text: line.text, at: Date.now() })
      case "Rooms":
        rooms = line.rooms
        for (const { last, name } of rooms) {
          const known = conversations.get(`room${fold(name)}`)
          if (known !== undefined) known.announced = last
        }
        if (isAsked("/rooms")) {
          note("note", `rooms: ${rooms.map(({ name, people }) => `${name} (${people})`).join(", ")}`)
        }
        return
      case "Notice":
        // The greeting is shown once, not after each reconnection.
        if (!isFirst && !isGreeted) return
        if (/^you are the \d+\w\w here: /.test(line.text)) return
        if (line.text.startsWith("you have left ")) joined = undefined
        return note("note", line.text)
      case "Refusal": {
        if (answered !== undefined) return
        // All browsers of one address share a rate limit, and may have reconnected together.
        if (isArriving && line.wait !== undefined) {
          clearTimeout(greeting)
          greeting = setTimeout(greet, line.wait + 200 + 2000 * Math.random())
          return
        }
        if (line.taken === lost) return reclaim()
        note("refusal", line.text)
        if (me === "" || !isArriving) return
        if (!isGreeted) {
          // The name is taken or invalid: the user stays a guest.
          isGreeted = true
          if (fold(owned) === fold(wanted)) {
            lost = wanted
            reclaim()
          }
          wanted = ""
        } else {
          // The room cannot be entered.
          isArriving = isFirst = false
          joined = undefined
          outbox.resume()
        }
      }
    }
  }

  const remember = () => {
    sessionStorage.setItem("name", wanted || lost)
    sessionStorage.setItem("room", (joined ?? active).name)
    if (wanted !== "") localStorage.setItem("name", wanted)
  }

  /** @param {Conversation} conversation */
  const show = (conversation) => {
    for (const item of active.items) delete item.isNew
    active = conversation
    active.unread = 0
    if (conversation.kind === "room" && conversation !== joined) {
      outbox.add({ kind: "join", line: joinLine(conversation), text: conversation.name, to: conversation })
    }
    view.rebuild()
  }

  const isEntering = () => outbox.all().some(({ kind, to }) => kind === "join" && to === active)

  /** @param {string} typed */
  const enter = (typed) => {
    for (const part of typed.split("\n").map(clean).filter((line) => line !== "")) {
      const [, verb = "", rest = ""] = /^\/(\w+) *(.*)$/.exec(part) ?? []
      const isCommand = part.startsWith("/") && !part.startsWith("//")
      if (verb === "join" && rest !== "") show(find("room", rest))
      else if (verb === "msg" && / ./.test(rest)) {
        const [name = "", ...words] = rest.split(" ")
        const text = words.join(" ").trim()
        show(find("person", name))
        outbox.add({ kind: "msg", line: `/msg ${name} ${text}`, text, to: active })
      } else if (verb === "me" && rest !== "") {
        outbox.add({ kind: "say", line: part, text: rest, to: joined })
      } else if (isCommand) outbox.add({ kind: "command", line: part, text: part, to: undefined })
      else if (active.kind === "person") {
        const text = part.replace(/^\/\//, "/")
        outbox.add({ kind: "msg", line: `/msg ${active.name} ${text}`, text: text.trim(), to: active })
      } else {
        if (active !== joined && !isEntering()) show(active)
        outbox.add({ kind: "say", line: part, text: part.replace(/^\/\//, "/"), to: active })
      }
    }
  }

  return {
    show,
    enter,
    find,
    read: () => {
      active.unread = 0
    },
    retry: () => connection.retry(),
    get me() {
      return me
    },
    get active() {
      return active
    },
    get joined() {
      return joined
    },
    get isEntering() {
      return isEntering()
    },
    get rooms() {
      return rooms
    },
    get state() {
      return state
    },
    get conversations() {
      return Array.from(conversations.values())
    },
    pending: () => outbox.all().filter(({ kind, to }) => to === active && (kind === "say" || kind === "msg"))
  }
}

/** @typedef {ReturnType<typeof makeSession>} Session */
