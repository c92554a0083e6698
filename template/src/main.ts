import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Layer from "effect/Layer"
import { greeter } from "./greeter.ts"

const listen = process.argv[2] ?? "tcp://127.0.0.1:12345"

NodeRuntime.runMain(Layer.launch(Layer.provide(greeter(listen), NodeNetwork.layer)))
