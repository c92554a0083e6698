/** The cluster with the bug that the URL names, for `Simulation.explore` in threads. */
import type { Bug } from "../../src/raft/bugs.ts"
import { cluster } from "./cluster.ts"

export { options } from "./cluster.ts"

export default cluster((new URL(import.meta.url).searchParams.get("bug") ?? undefined) as Bug | undefined)
