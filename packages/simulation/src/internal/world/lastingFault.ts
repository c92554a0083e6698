import { reject } from "@sluice/core/Options"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Host from "../../Host.ts"
import type { HostState } from "../kernel/host.ts"
import type { Description } from "./faultDescription.ts"
import { World } from "./world.ts"

/** Begins a fault of hosts, which lasts until the Scope closes. */
export const beginFault = (
  hosts: ReadonlyArray<Host.Host>,
  describe: () => Omit<Description, "hosts">
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => {
    const world = World.of((hosts[0] ?? reject("hosts", "none", "at least one host")) as HostState)
    const description = { ...describe(), hosts: hosts.map(({ name }) => name) }
    return Effect.acquireRelease(
      Effect.sync(() => world.faults.begin(description)),
      (active) => Effect.sync(() => world.faults.end(active))
    )
  })
