/** Why checks fail on other runtimes, as far as it is known. */

interface Known {
  readonly runtime: string
  readonly kind: string
  /** What the check, or what it found, has to match. */
  readonly matches: RegExp
  readonly reason: string
}

const known: ReadonlyArray<Known> = [
  {
    runtime: "Bun",
    kind: "TLS",
    matches: /nothing happened|timed out|the runtime hangs/i,
    reason:
      "the end of a TLS stream, sent by the server first, does not arrive, or closing waits forever; not seen with `node:tls` alone"
  },
  {
    runtime: "Bun",
    kind: "Unix",
    matches: /ERR_SOCKET_CLOSED/,
    reason: "a write to a peer that is gone may fail with `ERR_SOCKET_CLOSED`"
  },
  {
    runtime: "Deno",
    kind: "UDP",
    matches: /a connected socket/,
    reason: "`connect` of `node:dgram` does not connect the socket: it gets datagrams of others, and no ICMP error"
  },
  {
    runtime: "Deno",
    kind: "TLS",
    matches: /did not s|timed out|that nobody read/i,
    reason: "`write` of a TLS socket takes any number of bytes, though its peer does not read"
  },
  {
    runtime: "Deno",
    kind: "TLS",
    matches: /saw an end|it succeeded|resets/,
    reason: "a reset below a TLS socket is reported as its end"
  }
]

export const reasonOf = (runtime: string, kind: string, check: string, finding: string): string | undefined =>
  known.find((each) =>
    each.runtime === runtime && each.kind === kind && (each.matches.test(check) || each.matches.test(finding))
  )?.reason
