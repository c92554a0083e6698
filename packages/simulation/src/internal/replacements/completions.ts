import { builtin } from "../sandbox/builtin.ts"
import type { Operation } from "../sandbox/operations.ts"
import { type AnyFunction, like, type Replace } from "../sandbox/patches.ts"
import { awaiting, bound, current, outside } from "../sandbox/place.ts"

// The operation itself is not part of the run; its callback is.
const begin = (name: string): Operation | undefined => {
  const place = awaiting()
  if (place === undefined) {
    current()?.sandbox.note(name)
    return undefined
  }
  return place.sandbox.operations.begin(place, name)
}

const start = <A>(operation: Operation, body: () => A): A => {
  try {
    return outside(body)
  } catch (error) {
    operation.place.sandbox.operations.cancel(operation)
    throw error
  }
}

/** A function whose last argument is a callback. Calls without a callback are left alone. */
const calledBack = (name: string) => (original: AnyFunction) =>
  like<AnyFunction>(original, function(...args) {
    const callback = args.at(-1)
    const operation = typeof callback === "function" ? begin(name) : undefined
    if (operation === undefined) return original.apply(this, args)
    const call = bound((results: Array<unknown>) => (callback as AnyFunction).apply(this, results))
    const onDone = (...results: Array<unknown>) =>
      operation.place.sandbox.operations.complete(operation, () => call(results))
    return start(operation, () => original.apply(this, [...args.slice(0, -1), onDone]))
  })

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise

/** A function that returns a promise. Other results are left alone. */
const promised = (name: string, onValue: (value: unknown) => void = () => {}) => (original: AnyFunction) =>
  like<AnyFunction>(original, function(...args) {
    const operation = begin(name)
    if (operation === undefined) return original.apply(this, args)
    const result = start(operation, () => original.apply(this, args))
    const { operations } = operation.place.sandbox
    if (!isPromise(result)) {
      operations.cancel(operation)
      return result
    }
    return new Promise((resolve, reject) => {
      outside(() =>
        result.then(
          (value) => {
            onValue(value)
            operations.complete(operation, () => resolve(value))
          },
          (error: unknown) => operations.complete(operation, () => reject(error as Error))
        )
      )
    })
  })

const functionsOf = (target: object): ReadonlyArray<string> =>
  Object.getOwnPropertyNames(target).filter((name) =>
    name !== "constructor" && typeof Object.getOwnPropertyDescriptor(target, name)?.value === "function"
  )

const replaceFiles = (replace: Replace): void => {
  const fs = builtin("node:fs") as Record<string, object> | undefined
  if (fs === undefined) return
  replace(fs["realpath"], "native", calledBack("fs.realpath.native"))
  for (const name of functionsOf(fs)) {
    if (`${name}Sync` in fs) replace(fs, name, calledBack(`fs.${name}`))
  }
  // The class of open files is not exported.
  let knowsFiles = false
  const onOpen = (file: unknown) => {
    if (knowsFiles) return
    knowsFiles = true
    const prototype = Object.getPrototypeOf(file) as object
    for (const name of functionsOf(prototype)) {
      if (fileMethods.has(name)) replace(prototype, name, promised(`FileHandle.${name}`))
    }
  }
  for (const name of functionsOf(fs["promises"]!)) {
    // It returns an iterator.
    if (name === "watch") continue
    replace(fs["promises"], name, promised(`fs.promises.${name}`, name === "open" ? onOpen : undefined))
  }
}

const fileMethods = new Set(
  "appendFile chmod chown close datasync read readFile readv stat sync truncate utimes write writeFile writev".split(
    " "
  )
)

const cryptoFunctions =
  "argon2 checkPrime diffieHellman encapsulate decapsulate generateKey generateKeyPair generatePrime hkdf pbkdf2 scrypt sign verify"

const replaceCrypto = (replace: Replace): void => {
  const crypto = builtin("node:crypto") as Record<string, object> | undefined
  for (const name of cryptoFunctions.split(" ")) replace(crypto, name, calledBack(`crypto.${name}`))
  const subtle = (crypto?.["webcrypto"] as { readonly subtle?: object } | undefined)?.subtle
  if (subtle === undefined) return
  const prototype = Object.getPrototypeOf(subtle) as object
  for (const name of functionsOf(prototype)) replace(prototype, name, promised(`crypto.subtle.${name}`))
}

const replaceDns = (replace: Replace): void => {
  const dns = builtin("node:dns") as Record<string, object> | undefined
  if (dns === undefined) return
  for (const name of functionsOf(dns).filter((each) => /^(?:lookup|resolve|reverse)/.test(each))) {
    replace(dns, name, calledBack(`dns.${name}`))
    replace(dns["promises"], name, promised(`dns.promises.${name}`))
  }
}

interface ZlibHandle {
  readonly write: AnyFunction
  readonly init: AnyFunction
}

const replaceZlib = (replace: Replace): void => {
  const zlib = builtin("node:zlib") as Record<string, () => { readonly _handle?: object; readonly close: () => void }>
  if (zlib === undefined) return
  for (const name of functionsOf(zlib)) {
    if (`${name}Sync` in zlib) replace(zlib, name, calledBack(`zlib.${name}`))
  }
  // Streams write to a handle, which calls the function that it was initialized with.
  const begun = new WeakMap<object, Operation>()
  const seen = new Set<object>()
  for (
    const make of [
      "createDeflate",
      "createBrotliCompress",
      "createBrotliDecompress",
      "createZstdCompress",
      "createZstdDecompress"
    ]
  ) {
    const stream = zlib[make]?.()
    const prototype = stream?._handle === undefined ? undefined : Object.getPrototypeOf(stream._handle) as ZlibHandle
    stream?.close()
    if (prototype === undefined || seen.has(prototype)) continue
    seen.add(prototype)
    replace(
      prototype,
      "write",
      (original: AnyFunction) =>
        function(this: { readonly onerror: AnyFunction }, ...args: Array<unknown>) {
          const operation = begin("zlib")
          if (operation === undefined) return original.apply(this, args)
          begun.set(this, operation)
          // Called instead if the write fails.
          const { onerror } = this
          Object.assign(this, {
            onerror: (...results: Array<unknown>) => {
              Object.assign(this, { onerror })
              begun.delete(this)
              operation.place.sandbox.operations.complete(operation, bound(() => onerror.apply(this, results)))
            }
          })
          return original.apply(this, args)
        }
    )
    replace(prototype, "init", (original: AnyFunction) =>
      function(this: object, ...args: Array<unknown>) {
        return original.apply(
          this,
          args.map((each) =>
            typeof each !== "function" ? each : (...results: Array<unknown>) => {
              const operation = begun.get(this)
              begun.delete(this)
              const call = bound(() => (each as AnyFunction).apply(this, results))
              if (operation === undefined) call()
              else operation.place.sandbox.operations.complete(operation, call)
            }
          )
        )
      })
  }
}

const replaceWebAssembly = (replace: Replace): void => {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: object }
  for (const name of ["compile", "instantiate"]) replace(WebAssembly, name, promised(`WebAssembly.${name}`))
}

/** Files, cryptography, compression and name lookups: a run waits for them. */
export const replaceCompletions = (replace: Replace): void => {
  replaceFiles(replace)
  replaceCrypto(replace)
  replaceDns(replace)
  replaceZlib(replace)
  replaceWebAssembly(replace)
}
