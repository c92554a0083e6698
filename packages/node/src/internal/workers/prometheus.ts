/**
 * One text of Prometheus out of several. A metric that several have is one family, whose lines are together, as the format
 * demands.
 */
export const merge = (texts: ReadonlyArray<string>): string => {
  const families = new Map<string, { readonly header: Array<string>; readonly samples: Array<string> }>()
  for (const text of texts) {
    let family: { readonly header: Array<string>; readonly samples: Array<string> } | undefined
    let isNew = false
    for (const line of text.split("\n")) {
      const [, name] = /^# (?:HELP|TYPE) (\S+)/.exec(line) ?? []
      if (name !== undefined) {
        const known = families.get(name)
        if (known === undefined) isNew = true
        else if (family !== known) isNew = false
        family = known ?? { header: [], samples: [] }
        families.set(name, family)
        if (isNew) family.header.push(line)
      } else if (line !== "") family?.samples.push(line)
    }
  }
  const lines = Array.from(families.values()).flatMap(({ header, samples }) => [...header, ...samples])
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`
}
