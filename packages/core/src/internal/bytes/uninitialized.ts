interface Platform {
  readonly Buffer?: { readonly allocUnsafeSlow?: (size: number) => Uint8Array }
}

const allocUnsafe = (globalThis as Platform).Buffer?.allocUnsafeSlow

/**
 * Memory that will be written before it is read. To clear it first costs as much as the copy that it is for, so it is not
 * cleared where the platform offers that.
 */
export const allocate = (size: number): Uint8Array => {
  if (allocUnsafe === undefined) return new Uint8Array(size)
  const { buffer, byteOffset } = allocUnsafe(size)
  return new Uint8Array(buffer, byteOffset, size)
}
