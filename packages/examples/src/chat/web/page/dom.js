/** Elements. Text is only ever set as text. */

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export const element = (id) => {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`no element ${id}`)
  return found
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {string} [text]
 */
export const make = (tag, className, text) => {
  const made = document.createElement(tag)
  if (className !== "") made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

/** A number for a name, to choose its color by. @param {string} name */
export const hue = (name) => {
  let hash = 0
  for (const character of name.toLowerCase()) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return (hash * 137) % 360
}

/** @param {string} name */
export const avatar = (name) => {
  const made = make("span", "avatar", Array.from(name)[0]?.toUpperCase())
  made.ariaHidden = "true"
  made.style.setProperty("--hue", String(hue(name)))
  return made
}
