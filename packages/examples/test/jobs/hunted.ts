/** The queue with the bug that the URL names, for `Simulation.explore` in threads. */
import type { Bug } from "../../src/jobs/bugs.ts"
import { queue } from "./queue.ts"

export { options } from "./queue.ts"

export default queue((new URL(import.meta.url).searchParams.get("bug") ?? undefined) as Bug | undefined)
