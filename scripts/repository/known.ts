/** What breaks the rules today. Nothing is added here. */
export const known: ReadonlyArray<RegExp> = [
  /startTls\.test\.ts:\d+ imports .*tls\/options/,
  /imports packages\/core\/src\/AcceptPolicy\.ts: AcceptPolicy is in a layer above (SocketOptions|internal\/connection)$/,
  /core.*internal\/server is in a layer above internal\/network$/,
  /core.*internal\/(accept|connection) is in a layer above internal\/proxy$/,
  /simulation.*internal\/(kernel|report) is in a layer above internal\/(fabric|kernel)$/,
  /^(AcceptPolicy|Network|ProxyProtocol|internal\/accept|internal\/connection|internal\/network|internal\/tls) → .* → /,
  /^internal\/(fabric|report) → /,
  /^packages\/core\/src\/Connection\.ts$/,
  /kernel\/tcp/
]

export const unknown = (found: ReadonlyArray<string>): ReadonlyArray<string> =>
  found.filter((each) => !known.some((pattern) => pattern.test(each)))
