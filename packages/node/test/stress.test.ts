import { expect, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const connections = process.env["SLUICE_SCALE"] === "full" ? 20_000 : 5_000

// In a process of its own: vitest's descriptors and timers come and go.
it(`${connections} connections, ended in every way, leave nothing behind`, async (context) => {
  if (process.platform !== "linux") context.skip("descriptors are counted in /proc/self/fd, which is Linux's")
  const script = fileURLToPath(new URL("fixtures/stress.ts", import.meta.url))
  const { stderr, stdout } = await promisify(execFile)(process.execPath, [script, String(connections)])
  const { after, before, opened } = JSON.parse(stdout)
  expect(stderr).toBe("")
  expect(opened).toBeGreaterThanOrEqual(connections)
  expect(after).toEqual(before)
  expect(before).toMatchObject({ fibers: 0, files: [] })
})
