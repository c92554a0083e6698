/** The server of the scenarios as a process. It writes a line when it listens. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { server } from "./scenarios.ts"

const onListening = Effect.sync(() => console.log("listening"))
NodeRuntime.runMain(Layer.launch(Layer.provide(server(onListening), NodeNetwork.layer)))
