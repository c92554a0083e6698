import * as NetworkError from "@sluice/core/NetworkError"
import * as Tls from "@sluice/core/Tls"
import * as NodeTls from "node:tls"

/** The cipher suites as OpenSSL's list. Throws `InvalidOption` for a suite that this OpenSSL does not have. */
export const cipherList = (names: ReadonlyArray<string> = Tls.defaultCiphers): string => names.map(toOpenSsl).join(":")

// ciphers(1): OpenSSL has names of its own for the suites up to TLS 1.2, made of the same parts.
const toOpenSsl = (name: string): string => {
  const own = name.includes("_WITH_")
    ? name
      .replace(/^TLS_(?:RSA_WITH_)?/, "")
      .replace("_WITH_", "_")
      .replace(/(AES|CAMELLIA|ARIA)_(128|256)_/, "$1$2_")
      .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
      .replace("_CBC_", "_")
      .replaceAll("_", "-")
    : name
  if (NodeTls.getCiphers().includes(own.toLowerCase())) return own
  throw new NetworkError.InvalidOption({
    option: "tls.ciphers",
    value: name,
    expected: "a cipher suite of the OpenSSL in use, by its IANA name"
  })
}
