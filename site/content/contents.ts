/** The navigation: what the build wrote for the configuration of the pages. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type Page, pages } from "./guide.ts"
import { stage, staged } from "./paths.ts"
import type { Contents } from "./reference.ts"

interface Item {
  readonly text: string
  readonly link: string
}

interface Group {
  readonly text: string
  readonly items: Array<Item>
}

interface Navigation {
  readonly guide: Array<Group>
  /** The sidebars of the pages of each package, by the prefix of their addresses. */
  readonly reference: Readonly<Record<string, ReadonlyArray<Group>>>
}

/** The pages of the guide in the order of reading. A page that no group lists is in the last one. */
const groups: Readonly<Record<string, ReadonlyArray<string>>> = {
  "Start": ["README", "getting-started", "job-queue", "cookbook", "recipes", "chat", "chat-web"],
  "Concepts": ["connections", "servers", "framing", "framing-by-hand", "codec", "clients", "udp", "tls", "errors"],
  "Testing": ["simulation", "network-faults", "disks", "deterministic-testing", "asynchronous"],
  "In production": ["operating", "scaling", "strangers", "proxy-protocol", "relay", "runtimes", "versions"],
  "With other libraries": ["http", "node", "bridges"],
  "Coming from": ["compare", "from-python", "from-node", "from-fs2-tokio"],
  "More": []
}

const itemOf = ({ name, title }: Page): Item => ({
  text: title,
  link: name === "README" ? "/guide/" : `/guide/${name}`
})

const folderOf = ({ name }: Contents) => `/reference/${name.split("/")[1]}/`

const modulesOf = ({ modules, name }: Contents): Group => ({
  text: name,
  items: modules.map((module) => ({ text: module.name, link: module.path }))
})

export const writeContents = (reference: ReadonlyArray<Contents>): void => {
  const all = pages()
  const placed = Object.values(groups).flat()
  const guide = Object.entries(groups).map(([text, names]): Group => {
    const chosen = text === "More"
      ? all.filter(({ name }) => !placed.includes(name))
      : names.flatMap((name) => all.find((page) => page.name === name) ?? [])
    return { text, items: chosen.map(itemOf) }
  }).filter(({ items }) => items.length > 0)
  guide.find(({ text }) => text === "Testing")!.items.push({ text: "A failure, step by step", link: "/report" })
  guide.push({
    text: "Project",
    items: ["Changelog", "Contributing", "Security"].map((text) => ({ text, link: `/project/${text.toLowerCase()}` }))
  })
  const packages: Group = {
    text: "Packages",
    items: [
      { text: "All modules", link: "/reference/" },
      ...reference.map((each) => ({ text: each.name, link: each.modules[0]!.path }))
    ]
  }
  const navigation: Navigation = {
    guide,
    reference: Object.fromEntries([
      ["/reference/", [packages]],
      ...reference.map((each) => [folderOf(each), [modulesOf(each), packages]])
    ])
  }
  stage("contents.json", JSON.stringify(navigation))
}

/** What `writeContents` wrote. */
export const contents = (): Navigation => JSON.parse(readFileSync(join(staged, "contents.json"), "utf8"))
