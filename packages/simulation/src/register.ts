/**
 * Replaces functions of Node before other modules load, for libraries that keep functions such as `setTimeout`. For code
 * outside of simulations nothing changes.
 *
 * **Example** (a program)
 *
 * ```sh
 * node --import @sluice/simulation/register program.ts
 * ```
 *
 * With vitest, it is a setup file: `setupFiles: ["@sluice/simulation/register"]`.
 *
 * @since 0.1.0
 */
import { replaceGlobals, replaceModules } from "./internal/replacements/install.ts"

replaceModules()
replaceGlobals()
