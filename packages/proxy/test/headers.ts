/** Headers of all kinds, as they may be written. */
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Arbitrary from "effect/Arbitrary"
import * as NetAddress from "effect/net/NetAddress"
import * as Schema from "effect/Schema"

export const byte = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))

export const bytes = (maxLength: number): Arbitrary.Arbitrary<Uint8Array> =>
  Arbitrary.map(Arbitrary.array(byte, { maxLength }), (values) => Uint8Array.from(values))

/** Chooses by bytes, one after the other; when they are used up, the first choice of all. */
class Choice {
  readonly #bytes: ReadonlyArray<number>
  #at = 0

  constructor(bytes: ReadonlyArray<number>) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  of<A>(...all: ReadonlyArray<A>): A {
    return all[this.byte() % all.length]!
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.byte())
  }

  text(alphabet: string): string {
    const characters = Array.from(alphabet)
    return Array.from({ length: this.byte() % 12 }, () => this.of(...characters)).join("")
  }
}

const ascii = "TLSv1.3-AES_ \u0000\u007f"
const latin1 = "h2/http1.1\u0000\u00ff"
const unicode = "example.org äß€𝄞\u0000\ufeff"

const inet = (choice: Choice, family: "INET" | "INET6") =>
  NetAddress.inetAddressUnsafe(
    family === "INET"
      ? NetAddress.ipv4FromBytesUnsafe(choice.bytes(4))
      : choice.of(
        () => NetAddress.ipv6FromBytesUnsafe(choice.bytes(16)),
        () => NetAddress.toIpv4Mapped(NetAddress.ipv4FromBytesUnsafe(choice.bytes(4))),
        () => NetAddress.ipv6Unspecified
      )(),
    choice.byte() * 256 + choice.byte()
  )

const path = (choice: Choice) =>
  NetAddress.unixPathAddress(choice.of("", "/run/client.sock", "\0abstract\0name", "/tmp/ä€𝄞", "/".repeat(108)))

const address = (choice: Choice, family: "INET" | "INET6" | "UNIX") =>
  family === "UNIX" ? path(choice) : inet(choice, family)

const other = (choice: Choice, from: number): ProxyProtocol.Other => ({
  _tag: "Other",
  type: from + choice.byte() % 16,
  value: choice.bytes(choice.byte() % 5)
})

const optional = <K extends string, A>(choice: Choice, key: K, make: () => A): { readonly [key in K]?: A } =>
  choice.byte() % 2 === 0 ? {} : { [key]: make() } as { readonly [key in K]: A }

const ssl = (choice: Choice): ProxyProtocol.Ssl => ({
  _tag: "Ssl",
  ssl: choice.of(true, false),
  certificateOnConnection: choice.of(true, false),
  certificateInSession: choice.of(true, false),
  verify: choice.of(0, 1, 0x80000000, 0xffffffff),
  ...optional(choice, "version", () => choice.text(ascii)),
  ...optional(choice, "commonName", () => choice.text(unicode)),
  ...optional(choice, "cipher", () => choice.text(ascii)),
  ...optional(choice, "signatureAlgorithm", () => choice.text(ascii)),
  ...optional(choice, "keyAlgorithm", () => choice.text(ascii)),
  ...optional(choice, "group", () => choice.text(ascii)),
  ...optional(choice, "signatureScheme", () => choice.text(ascii)),
  ...optional(choice, "clientCertificate", () => choice.bytes(choice.byte() % 9)),
  others: Array.from({ length: choice.byte() % 3 }, () => other(choice, 0x40))
})

const tlv = (choice: Choice): ProxyProtocol.Tlv =>
  choice.of<() => ProxyProtocol.Tlv>(
    () => ({ _tag: "Alpn", protocol: choice.text(latin1) }),
    () => ({ _tag: "Authority", name: choice.text(unicode) }),
    () => ({ _tag: "Noop", value: choice.bytes(choice.byte() % 5) }),
    () => ({ _tag: "UniqueId", value: choice.bytes(choice.byte() % 129) }),
    () => ssl(choice),
    () => ({ _tag: "NetworkNamespace", name: choice.text(ascii) }),
    () => other(choice, 0xe0),
    () => other(choice, 0x40)
  )()

const tlvs = (choice: Choice): ReadonlyArray<ProxyProtocol.Tlv> => {
  const all = Array.from({ length: choice.byte() % 5 }, () => tlv(choice))
  return choice.of(false, true) ? all.toSpliced(choice.byte() % (all.length + 1), 0, { _tag: "Crc32c" }) : all
}

const header = (choice: Choice): ProxyProtocol.Header => {
  const version = choice.of(1, 2, 2, 2)
  const family = version === 1 ? choice.of("INET", "INET6", "UNSPEC") : choice.of("INET", "INET6", "UNIX", "UNSPEC")
  if (family === "UNSPEC") {
    return version === 1
      ? ProxyProtocol.unknown(1)
      : { ...choice.of(ProxyProtocol.unknown(2), ProxyProtocol.local), tlvs: tlvs(choice) }
  }
  if (version === 2 && choice.byte() % 8 === 7) {
    return { ...ProxyProtocol.unknown(2), family, protocol: "UNSPEC" }
  }
  return {
    version,
    command: "PROXY",
    family,
    protocol: version === 1 ? "STREAM" : choice.of("STREAM", "DGRAM"),
    addresses: { source: address(choice, family), destination: address(choice, family) },
    tlvs: version === 1 ? [] : tlvs(choice)
  }
}

/** Any header that can be written. */
export const headers: Arbitrary.Arbitrary<ProxyProtocol.Header> = Arbitrary.map(
  Arbitrary.array(byte, { maxLength: 400 }),
  (values) => header(new Choice(values))
)
