/**
 * The page of the chat: the form that asks for a name, and then the session.
 *
 * @import { Session } from "./session.js"
 */
import { element } from "./dom.js"
import { bindHints } from "./hints.js"
import { makeSession } from "./session.js"
import { makeView } from "./view.js"

/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement} */ (element(id))

/** The secret that gets the name back after a lost connection, one for each tab. */
const token = () => {
  const known = sessionStorage.getItem("token")
  const made = known ??
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join("").padEnd(16, "0")
  sessionStorage.setItem("token", made)
  return made
}

/** @param {string} name @param {string} room */
const start = (name, room) => {
  element("welcome").hidden = true
  element("app").hidden = false
  /** @type {Session} */
  let session
  const view = makeView(() => session)
  const text = /** @type {HTMLTextAreaElement} */ (element("text"))
  const hints = bindHints(text)
  session = makeSession({ name, room, token: token() }, view)
  view.rebuild()

  const send = () => {
    const typed = text.value
    text.value = session.active.draft = ""
    hints.close()
    session.enter(typed)
  }
  element("composer").onsubmit = (event) => {
    event.preventDefault()
    send()
    text.focus()
  }
  text.oninput = () => {
    session.active.draft = text.value
  }
  text.onkeydown = (event) => {
    if (hints.press(event)) return
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
    event.preventDefault()
    send()
  }
  element("join").onsubmit = (event) => {
    event.preventDefault()
    const field = input("joinName")
    if (field.value.trim() === "") return
    session.show(session.find("room", field.value.trim().replace(/^#/, "")))
    field.value = ""
    element("rooms").hidePopover()
  }
  element("me").onsubmit = (event) => {
    event.preventDefault()
    const wanted = input("myName").value.trim()
    if (wanted !== "" && wanted !== session.me) session.enter(`/nick ${wanted}`)
    input("myName").blur()
  }
  input("myName").onblur = view.refresh
}

const name = sessionStorage.getItem("name")
const room = sessionStorage.getItem("room")
if (name !== null && room !== null) start(name, room)
else {
  element("welcome").hidden = false
  input("name").value = localStorage.getItem("name") ?? ""
  input("name").focus()
  element("welcome").onsubmit = (event) => {
    event.preventDefault()
    start(input("name").value.trim(), input("room").value.trim().replace(/^#/, "") || "lobby")
  }
}
