import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Layer from "effect/Layer"
import { greeter } from "./greeter.ts"

const listen = process.argv[2] ?? "tcp://127.0.0.1:12345"

NodeProgram.run(Layer.provide(greeter(listen), NodeNetwork.layer))
