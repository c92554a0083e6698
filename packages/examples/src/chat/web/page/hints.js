/** Hints at the commands that begin as typed: a listbox above the message field (the combobox pattern of WAI-ARIA). */
import { commands } from "./commands.js"
import { element, make } from "./dom.js"

/** @param {HTMLTextAreaElement} field */
export const bindHints = (field) => {
  const list = element("hints")
  let shown = commands.slice(0, 0)
  let chosen = 0

  const draw = () => {
    list.hidden = shown.length === 0
    field.setAttribute("aria-expanded", String(!list.hidden))
    if (list.hidden) field.removeAttribute("aria-activedescendant")
    else field.setAttribute("aria-activedescendant", `hint${chosen}`)
    list.replaceChildren(
      ...shown.map(([usage, about], index) => {
        const item = make("li", "", "")
        item.id = `hint${index}`
        item.role = "option"
        item.ariaSelected = String(index === chosen)
        item.append(make("code", "", usage), make("span", "", about))
        item.onpointerdown = (event) => {
          event.preventDefault()
          choose(index)
        }
        return item
      })
    )
  }

  const close = () => {
    shown = []
    draw()
  }

  /** @param {number} index */
  const choose = (index) => {
    const [verb, ...operands] = (shown[index]?.[0] ?? "").split(" ")
    field.value = operands.length === 0 ? `${verb}` : `${verb} `
    close()
    field.focus()
  }

  field.addEventListener("input", () => {
    const isCommand = /^\/[a-z]*$/.test(field.value)
    shown = commands.filter(([usage]) => isCommand && usage.startsWith(field.value))
    chosen = 0
    draw()
  })
  field.addEventListener("blur", close)

  return {
    close,
    /** Handles a key. Returns whether it was for the hints. @param {KeyboardEvent} event */
    press: (event) => {
      if (shown.length === 0) return false
      const { key } = event
      const isWhole = shown[chosen]?.[0] === field.value
      if (key === "Escape") close()
      else if (key === "ArrowDown" || key === "ArrowUp") {
        chosen = (chosen + (key === "ArrowDown" ? 1 : shown.length - 1)) % shown.length
        draw()
      } else if ((key === "Enter" && !isWhole) || (key === "Tab" && !event.shiftKey)) choose(chosen)
      else return false
      event.preventDefault()
      return true
    }
  }
}
