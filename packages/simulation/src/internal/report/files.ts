import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Trace from "../../Trace.ts"
import type { Difference } from "./firstDifference.ts"
import { toDifferenceHtml } from "./html/differencePage.ts"
import type { HtmlOptions } from "./html/options.ts"
import { toHtml } from "./html/page.ts"
import { toPcapng } from "./trace/pcapng.ts"
import { toSvg } from "./trace/svg.ts"
import { toText } from "./trace/text.ts"

// How many reports the default folder keeps: the newest.
const kept = 40

interface Files {
  readonly existsSync: (path: string) => boolean
  readonly mkdirSync: (path: string, options: { readonly recursive: true }) => void
  readonly readdirSync: (path: string) => ReadonlyArray<string>
  readonly rmSync: (path: string, options: { readonly force: true }) => void
  readonly statSync: (path: string, options: { readonly throwIfNoEntry: false }) => Status | undefined
  readonly writeFileSync: (path: string, content: string | Uint8Array) => void
}

interface Status {
  readonly isFile: () => boolean
  readonly mtimeMs: number
}

interface Process {
  readonly cwd: () => string
  readonly getBuiltinModule?: (name: string) => unknown
}

/**
 * Writes a report of a failure where the platform has files: an HTML page, and beside it the trace as text, as a picture and
 * as a capture. The folder is that of the environment variable `SLUICE_REPORTS`; otherwise `node_modules/.sluice`, or one for
 * temporary files. Returns the path of the page; nothing if it cannot be written.
 */
export const writeReport = (
  name: string,
  trace: Trace.Trace,
  options: HtmlOptions
): Effect.Effect<string | undefined> =>
  writeFiles(name, () => ({
    html: toHtml(trace, options),
    txt: toText(trace),
    svg: toSvg(trace),
    pcapng: toPcapng(trace)
  }))

/** Writes a page that compares two runs that should be the same, and beside it both traces as text, as `writeReport` does. */
export const writeComparison = (
  name: string,
  runs: readonly [first: Trace.Trace, second: Trace.Trace],
  difference: Difference,
  title: string
): Effect.Effect<string | undefined> =>
  writeFiles(name, () => ({
    html: toDifferenceHtml(title, runs, difference),
    "first.txt": toText(runs[0]),
    "second.txt": toText(runs[1])
  }))

/** The files have the extensions that `contents` has as keys. */
const writeFiles = (
  name: string,
  contents: () => { readonly html: string } & Readonly<Record<string, string | Uint8Array>>
): Effect.Effect<string | undefined> =>
  Effect.map(
    Effect.orElseSucceed(Config.option(Config.String("SLUICE_REPORTS")), () => Option.none<string>()),
    (chosen) => {
      // This package has no files of its own.
      const { process } = globalThis as { readonly process?: Process }
      const files = process?.getBuiltinModule?.("node:fs") as Files | undefined
      const system = process?.getBuiltinModule?.("node:os") as { readonly tmpdir: () => string } | undefined
      if (process === undefined || files === undefined || system === undefined) return undefined
      const modules = `${process.cwd()}/node_modules`
      const own = files.existsSync(modules) ? `${modules}/.sluice` : `${system.tmpdir()}/sluice-reports`
      const folder = Option.getOrElse(chosen, () => own)
      const path = `${folder}/${name.replace(/[^\w-]+/g, "-").slice(0, 100)}`
      try {
        files.mkdirSync(folder, { recursive: true })
        for (const [extension, content] of Object.entries(contents())) {
          files.writeFileSync(`${path}.${extension}`, content)
        }
      } catch {
        // A folder that cannot be written to does not hide the failure.
        return undefined
      }
      if (folder === own) removeOldest(files, folder)
      return `${path}.html`
    }
  )

const removeOldest = (files: Files, folder: string): void => {
  try {
    const dated = files.readdirSync(folder).flatMap((name) => {
      const path = `${folder}/${name}`
      // Other processes remove files as well.
      const status = files.statSync(path, { throwIfNoEntry: false })
      return status?.isFile() ? [{ path, time: status.mtimeMs }] : []
    }).sort((a, b) => b.time - a.time)
    for (const { path } of dated.slice(4 * kept)) files.rmSync(path, { force: true })
  } catch {
    // What cannot be removed does not hide the failure either.
  }
}
