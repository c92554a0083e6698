import type * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"

/** An error as the operating system would have reported it: `code` as in errno(3). */
export const systemError = (
  operation: NetworkError.Operation,
  address: string,
  code: string,
  syscall: string,
  /** Whether the system was to choose the port. */
  anyPort?: boolean
): NetworkError.NetworkError => Transport.systemError({ operation, address, error: { code, syscall }, anyPort })
