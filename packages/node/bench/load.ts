import { spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { Child } from "./child.ts"
import { cores } from "./cores.ts"
import { directory } from "./output.ts"

/** What a load generator saw: times in seconds, latencies in microseconds. */
export interface Load {
  readonly seconds: number
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly lost: number
  readonly errors: number
}

/** A load generator: the one in C, or, where there is no compiler, its slower double in JavaScript. */
export interface Generator {
  readonly language: "C" | "JavaScript"
  /** Runs it to its end. */
  readonly run: (...args: ReadonlyArray<string | number>) => Promise<Load>
  /** Lets it hold connections open while `use` runs. */
  readonly hold: <A>(args: ReadonlyArray<string | number>, use: () => Promise<A>) => Promise<A>
}

/** Prepares the generator `NAME.c`, with the libraries that it needs, or `NAME.ts`; here, or at a path. */
export const makeGenerator = (name: string, ...libraries: ReadonlyArray<string>): Generator => {
  mkdirSync(directory, { recursive: true })
  const source = resolve(import.meta.dirname, name)
  const binary = join(directory, basename(name))
  const compiled = spawnSync("cc", ["-O2", "-o", binary, `${source}.c`, ...libraries]).status === 0
  const command = compiled ? [binary] : [process.execPath, `${source}.ts`]

  const start = (args: ReadonlyArray<string | number>) => new Child(cores?.load, [...command, ...args.map(String)])
  const result = async (child: Child): Promise<Load> => {
    const load = JSON.parse(await child.line()) as Load
    if (load.errors > 0) throw new Error(`${child.name} saw ${load.errors} errors: wrong bytes or broken connections`)
    return load
  }
  const runOnce = async (args: ReadonlyArray<string | number>): Promise<Load> => {
    const child = start(args)
    try {
      return await result(child)
    } finally {
      await child.end()
    }
  }

  return {
    language: compiled ? "C" : "JavaScript",
    run: async (...args) => {
      // On a busy machine a server may not get its turn for as long as a short measurement takes.
      for (let attempt = 0; attempt < 3; attempt++) {
        const load = await runOnce(args)
        if (load.count > 0) return load
      }
      throw new Error(`${[...command, ...args].join(" ")} got no answer at all, three times`)
    },
    hold: async (args, use) => {
      const child = start(args)
      try {
        await result(child)
        return await use()
      } finally {
        await child.end()
      }
    }
  }
}
