import { basename, resolve } from "node:path"
import { Child } from "../child.ts"
import { compileC } from "../compileC.ts"
import { cores } from "../cores.ts"

/** What a load generator saw: times in seconds; latencies, and the server's CPU time, in microseconds. */
export interface Load {
  readonly seconds: number
  readonly count: number
  /** 0 where it is unknown: outside of Linux, or without a server named. */
  readonly cpu: number
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
  /** The same, and watches the CPU time of a server. */
  readonly watch: (pid: number, ...args: ReadonlyArray<string | number>) => Promise<Load>
  /** Lets it hold connections open while `use` runs. */
  readonly hold: <A>(args: ReadonlyArray<string | number>, use: () => Promise<A>) => Promise<A>
}

/** Prepares the generator `NAME.c`, with the libraries that it needs, or `NAME.ts`; here, or at a path. */
export const makeGenerator = (name: string, ...libraries: ReadonlyArray<string>): Generator => {
  const source = resolve(import.meta.dirname, name)
  const binary = compileC(`${source}.c`, basename(name), ...libraries)
  const command = binary === undefined ? [process.execPath, `${source}.ts`] : [binary]

  const start = (args: ReadonlyArray<string | number>, env?: Readonly<Record<string, string>>) =>
    new Child(cores?.load, [...command, ...args.map(String)], env)
  const result = async (child: Child): Promise<Load> => {
    const load = JSON.parse(await child.line()) as Load
    if (load.errors > 0) throw new Error(`${child.name} saw ${load.errors} errors: wrong bytes or broken connections`)
    return load
  }
  const runOnce = async (
    args: ReadonlyArray<string | number>,
    env?: Readonly<Record<string, string>>
  ): Promise<Load> => {
    const child = start(args, env)
    try {
      return await result(child)
    } finally {
      await child.end()
    }
  }

  const run = async (
    args: ReadonlyArray<string | number>,
    env?: Readonly<Record<string, string>>
  ): Promise<Load> => {
    // On a busy machine a server may not get its turn for as long as a short measurement takes.
    for (let attempt = 0; attempt < 3; attempt++) {
      const load = await runOnce(args, env)
      if (load.count > 0) return load
    }
    throw new Error(`${[...command, ...args].join(" ")} got no answer at all, three times`)
  }

  return {
    language: binary === undefined ? "JavaScript" : "C",
    run: (...args) => run(args),
    watch: (pid, ...args) => run(args, { SERVER_PID: String(pid) }),
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
