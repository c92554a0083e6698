/** The toxics of a relay, from its flags and from its control socket. */
import type * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Toxics from "@sluice/node/Toxics"
import * as ByteSize from "effect/ByteSize"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import { parseDuration, setting } from "../cli/setting.ts"

/** Each toxic: how it is named, what it is, and its option. */
const toxics = {
  latency: ["duration", "Delay of bytes in each direction", "latency"],
  jitter: ["duration", "Added to the latency, at random from 0 up to this", "jitter"],
  bandwidth: ["size", "Bytes per second in each direction, such as 1MiB", "bandwidth"],
  slice: ["size", "Most bytes that are passed on at once", "slice"],
  "reset-after": ["size", "Reset connections after N bytes in one direction", "resetAfter"],
  limit: ["size", "Close connections after N bytes in one direction", "limit"],
  timeout: ["duration", "Pass nothing on, and close connections this long after the next bytes", "timeout"]
} as const

type Name = keyof typeof toxics
type Values = Partial<Record<Name, string>>

const names = Object.keys(toxics) as ReadonlyArray<Name>

const parsers = {
  duration: (text: string): Option.Option<Duration.Duration> => parseDuration(text),
  // `1MiB` as well as `1 MiB`, and plain bytes.
  size: (text: string): Option.Option<ByteSize.ByteSize> =>
    ByteSize.fromString(text.replace(/^(\d+)$/, "$1 B").replace(/^(\d+)([A-Za-z]+)$/, "$1 $2"))
}

const expected = { duration: "a duration such as 500ms, 5s or 2m", size: "bytes, such as 1000, 64KiB or 1MiB" }

const flag = (name: Name) => {
  const [kind, description] = toxics[name]
  return setting(name, {
    metavar: kind,
    description: `${description}; default: none`,
    expected: expected[kind],
    parse: (text) => Option.as(parsers[kind](text) as Option.Option<unknown>, text)
  }).pipe(Flag.optional)
}

/** `--latency`, `--jitter`, `--bandwidth`, … */
export const flags = {
  latency: flag("latency"),
  jitter: flag("jitter"),
  bandwidth: flag("bandwidth"),
  slice: flag("slice"),
  resetAfter: flag("reset-after"),
  limit: flag("limit"),
  timeout: flag("timeout")
}

/** The toxics that the flags mean. */
export const fromFlags = (given: Record<keyof typeof flags, Option.Option<string>>) => {
  const values: Values = {}
  for (const name of names) {
    const value = Option.getOrUndefined(given[toxics[name][2]])
    if (value !== undefined) values[name] = value
  }
  return Effect.map(Toxics.make(optionsOf(values)), (relayed) => new ToxicControl(relayed, values))
}

const optionsOf = (values: Values): Toxics.Options =>
  Object.fromEntries(names.flatMap((name) => {
    const value = values[name]
    const [kind, , option] = toxics[name]
    return value === undefined ? [] : [[option, Option.getOrThrow(parsers[kind](value) as Option.Option<unknown>)]]
  }))

/** Toxics that are changed by commands. */
class ToxicControl {
  readonly toxics: Toxics.Toxics
  #values: Values

  constructor(relayed: Toxics.Toxics, values: Values) {
    this.toxics = relayed
    this.#values = values
  }

  get isEmpty(): boolean {
    return Object.keys(this.#values).length === 0
  }

  /** Obeys one line, and answers it. */
  readonly obey = (line: string): Effect.Effect<string> => {
    const [command = "", ...rest] = line.trim().split(/\s+/)
    switch (command) {
      case "show":
        return Effect.sync(() => `ok ${this.#describe()}`.trim())
      case "clear":
        return this.#set({})
      case "set":
        return this.#change(rest)
      default:
        return Effect.succeed("error: unknown command; use show, set NAME=VALUE … or clear")
    }
  }

  #change(changes: ReadonlyArray<string>): Effect.Effect<string> {
    const values = { ...this.#values }
    for (const change of changes) {
      const [name = "", value = ""] = change.split("=", 2)
      if (!Object.hasOwn(toxics, name)) return Effect.succeed(`error: unknown toxic; use ${names.join(", ")}`)
      const [kind] = toxics[name as Name]
      if (value === "") delete values[name as Name]
      else if (Option.isNone(parsers[kind](value) as Option.Option<unknown>)) {
        return Effect.succeed(`error: invalid ${name}; give ${expected[kind]}, or nothing to remove it`)
      } else values[name as Name] = value
    }
    return this.#set(values)
  }

  #set(values: Values): Effect.Effect<string> {
    return Effect.match(this.toxics.set(optionsOf(values)), {
      onFailure: (error) => `error: ${error.message}`,
      onSuccess: () => {
        this.#values = values
        return `ok ${this.#describe()}`.trim()
      }
    })
  }

  #describe(): string {
    return names.flatMap((name) => this.#values[name] === undefined ? [] : [`${name}=${this.#values[name]}`]).join(" ")
  }
}

export type { ToxicControl }

/** A server that takes commands, one a line: `show`, `set latency=100ms slice=7`, `clear`. */
export const controlServer = (listen: Endpoint.StreamEndpoint, control: ToxicControl) =>
  Server.layer({
    listen,
    maxConnections: 16,
    idleTimeout: "10 minutes",
    onListening: (address) => Console.log(`Control listening on ${NetAddress.formatSocketAddress(address)}`)
  }, Framed.serve(Framing.lines(), control.obey))
