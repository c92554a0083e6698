import * as NetworkError from "@sluice/core/NetworkError"

/** An error as the operating system would have reported it: `code` as in errno(3). */
export const systemError = (
  operation: NetworkError.Operation,
  address: string,
  code: string,
  syscall: string
): NetworkError.NetworkError => NetworkError.fromSystem({ operation, address, error: { code, syscall } })
