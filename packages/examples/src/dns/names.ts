/** Names in the codec's notation: labels separated by dots, with a backslash before a dot within a label. */

/** A name for comparison, which ignores the case of ASCII letters (RFC 4343). */
export const fold = (name: string): string =>
  /[A-Z]/.test(name) ? name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : name

/** The name without its first label; the root has none. */
export const parentOf = (name: string): string | undefined => {
  if (name === "") return undefined
  for (let i = 0; i < name.length; i++) {
    if (name[i] === "\\") i++
    else if (name[i] === ".") return name.slice(i + 1)
  }
  return ""
}
