// The globals that framings take from their platform, beyond the language itself. All that is not here (timers, processes,
// files, sockets) does not exist for them, as far as the compiler knows: https://encoding.spec.whatwg.org

declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>
  encodeInto(source: string, destination: Uint8Array): { readonly read: number; readonly written: number }
}

declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean })
  decode(input?: ArrayBufferView | ArrayBufferLike, options?: { readonly stream?: boolean }): string
}
