/**
 * The modules of `@sluice/codec`, as namespaces.
 *
 * Import a module by its own path in programs that care for their start-up time and memory: this one loads them all.
 *
 * @since 0.1.0
 */
export * as Codec from "./Codec.ts"
export * as CodecSchema from "./CodecSchema.ts"
export * as Chunked from "./formats/Chunked.ts"
export * as Dns from "./formats/Dns.ts"
export * as Lsp from "./formats/Lsp.ts"
export * as Memcached from "./formats/Memcached.ts"
export * as Modbus from "./formats/Modbus.ts"
export * as Mqtt from "./formats/Mqtt.ts"
export * as Nmea from "./formats/Nmea.ts"
export * as Postgres from "./formats/Postgres.ts"
export * as Resp from "./formats/Resp.ts"
export * as Socks5 from "./formats/Socks5.ts"
export * as Stomp from "./formats/Stomp.ts"
export * as Syslog from "./formats/Syslog.ts"
export * as Tlv from "./formats/Tlv.ts"
export * as WebSocket from "./formats/WebSocket.ts"
