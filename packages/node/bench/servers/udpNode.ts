import * as Dgram from "node:dgram"
import { ready } from "./ready.ts"

const socket = Dgram.createSocket("udp4")
socket.on("message", (payload, source) => socket.send(payload, source.port, source.address))
socket.bind({ address: "127.0.0.1", port: 0 }, () => ready(socket.address().port))
