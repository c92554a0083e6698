import { builtin } from "../sandbox/builtin.ts"
import { callerOf } from "../sandbox/caller.ts"
import type { AnyFunction, Replace } from "../sandbox/patches.ts"
import { current, type Place } from "../sandbox/place.ts"

interface Classes {
  readonly prototype: object
}

const refuse = ({ sandbox }: Place, name: string): void => {
  if (!sandbox.isOver) sandbox.onRefused(name, callerOf())
}

const refusing = (name: string) => (original: AnyFunction) =>
  function(this: unknown, ...args: Array<unknown>) {
    const place = current()
    if (place !== undefined) refuse(place, name)
    return original.apply(this, args)
  }

const refusingNew = (name: string) => (original: object) =>
  new Proxy(original, {
    construct: (target, args, newTarget) => {
      const place = current()
      if (place !== undefined) refuse(place, name)
      return Reflect.construct(target as never, args, newTarget) as object
    }
  })

/** Sockets, processes and threads of the system. They are not in virtual time, so a run that uses one fails. */
export const replaceRefusals = (replace: Replace): void => {
  const module = (name: string) => builtin(name) as Record<string, Classes | undefined> | undefined
  const net = module("node:net")
  replace(net?.["Socket"]?.prototype, "connect", refusing("net.connect"))
  replace(net?.["Server"]?.prototype, "listen", refusing("server.listen"))
  const udp = module("node:dgram")?.["Socket"]?.prototype
  for (const name of ["bind", "connect", "send"]) replace(udp, name, refusing(`dgram.${name}`))
  replace(module("node:child_process")?.["ChildProcess"]?.prototype, "spawn", refusing("child_process.spawn"))
  const threads = module("node:worker_threads")
  for (const name of ["Worker", "MessageChannel", "BroadcastChannel"]) replace(threads, name, refusingNew(name))
  for (const name of ["MessageChannel", "BroadcastChannel"]) replace(globalThis, name, refusingNew(name))
}
