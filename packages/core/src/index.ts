/**
 * The modules of `@sluice/core`, as namespaces.
 *
 * Import a module by its own path in programs that care for their start-up time and memory: this one loads them all.
 *
 * @since 0.1.0
 */
export * as Broadcast from "./Broadcast.ts"
export * as Buggify from "./Buggify.ts"
export * as CertificateName from "./CertificateName.ts"
export * as Connection from "./Connection.ts"
export * as ConnectionBridge from "./ConnectionBridge.ts"
export * as Conversation from "./Conversation.ts"
export * as DatagramSocketBridge from "./DatagramSocketBridge.ts"
export * as Endpoint from "./Endpoint.ts"
export * as EndpointSchema from "./EndpointSchema.ts"
export * as Framed from "./Framed.ts"
export * as Heartbeat from "./Heartbeat.ts"
export * as Lending from "./Lending.ts"
export * as Listener from "./Listener.ts"
export * as MetricSeries from "./MetricSeries.ts"
export * as Network from "./Network.ts"
export * as NetworkError from "./NetworkError.ts"
export * as Options from "./Options.ts"
export * as Property from "./Property.ts"
export * as Server from "./Server.ts"
export * as ServerEvent from "./ServerEvent.ts"
export * as ServerLog from "./ServerLog.ts"
export * as ServerPolicy from "./ServerPolicy.ts"
export * as SocketBridge from "./SocketBridge.ts"
export * as SocketOptions from "./SocketOptions.ts"
export * as SocketServerBridge from "./SocketServerBridge.ts"
export * as Subscription from "./Subscription.ts"
export * as Tls from "./Tls.ts"
export * as TlsReason from "./TlsReason.ts"
export * as Transport from "./Transport.ts"
export * as UdpServer from "./UdpServer.ts"
export * as UdpServerEvent from "./UdpServerEvent.ts"
export * as UdpSocket from "./UdpSocket.ts"
