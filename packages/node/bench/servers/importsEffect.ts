// What a program costs that imports Effect, and does nothing with it.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { ready } from "./ready.ts"

// It listens nowhere.
Effect.runSync(Effect.sync(() => ready(Layer.empty === undefined || Stream.empty === undefined ? 0 : 1)))
