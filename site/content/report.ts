/** A failure that a simulation finds and shrinks while the site is built: the page of its report, and a page about it. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { linkedSources, literal, sourcePage } from "./markdown.ts"
import { base, root, stage } from "./paths.ts"

const program = "packages/examples/bench/failure.ts"
const sources = ["packages/examples/test/raft/cluster.ts", "packages/examples/src/raft/bugs.ts"] as const

export const writeReport = (): void => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-report-"))
  try {
    const env = { ...process.env, SLUICE_REPORTS: folder }
    const facts: Facts = JSON.parse(execFileSync(process.execPath, [join(root, program)], { env, encoding: "utf8" }))
    const page = readdirSync(folder).find((name) => name.endsWith(".html"))
    if (page === undefined) throw new Error(`${program} wrote no page`)
    stage("public/reports/raft.html", readFileSync(join(folder, page), "utf8"))
    stage("report.md", literal(about(facts)).replace("FRAME", frame))
    for (const source of sources) linkedSources.add(source)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What the program prints. */
interface Facts {
  readonly bug: string
  readonly runs: number
  readonly seed: string
  readonly injected: number
  readonly needed: number
  readonly attempts: number
  readonly why: string
}

const frame = `<iframe class="report" src="${base}reports/raft.html" title="Report of the failed simulation"></iframe>`

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`

const about = ({ attempts, bug, injected, needed, runs, seed, why }: Facts): string =>
  `---
title: A failure, step by step
description: The report of a simulated Raft cluster that violates one of its invariants.
aside: false
pageClass: wide
---

# A failure, step by step

This report comes from a test of the [Raft example](/guide/index.md#modules), with a bug planted in it: ${bug}. The
build of this site ran the test, and \`Simulation.explore\` found the failure:

- ${count(runs, "seed")} ran with random faults; seed ${seed} failed
- that seed injected ${count(injected, "fault")}; ${count(attempts, "run")} showed that the failure needs ${
    needed === 0 ? "none" : needed
  } of them
- the failure: \`${why.replaceAll("`", "'")}\`

The page opens at the failure. Arrow keys step through the messages. Each row shows a message, a fault or a call; the panel
shows what happened and what each fiber waits for.

[Open the report alone](${base}reports/raft.html){%target="_self"%} · [the program that is tested](${
    sourcePage(sources[0])
  }){%target="_self"%} · [the planted bugs](${sourcePage(sources[1])}){%target="_self"%}

FRAME

A test of your own writes the same page when a seed fails: see [Simulation](/guide/simulation.md#when-a-seed-fails).
`
