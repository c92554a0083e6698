import type * as NodeDuplex from "@sluice/node/NodeDuplex"
import { AbstractConnector } from "ioredis"
import type { Socket } from "node:net"

/** How ioredis is told how to connect. */
export const connectorClass = (connector: NodeDuplex.Connector, port: number, host: string) =>
  class extends AbstractConnector {
    constructor() {
      super(0)
    }
    override async connect(): Promise<Socket> {
      return this.stream = connector.connect(port, host) as Socket
    }
  }
