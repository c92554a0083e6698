/** Names as the codec has them: labels with dots between them, and a backslash before a dot that belongs to a label. */

/** Names are compared without the case of ASCII letters (RFC 4343). */
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
