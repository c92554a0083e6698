import * as Effect from "effect/Effect"
import * as Net from "node:net"
import { builtins } from "../facade/builtins.ts"
import { addressable } from "./path.ts"

/** Whether a server answers on a socket file, or a process has bound it and not listened yet; `"gone"` if there is no file. */
export const answers = (path: string): Effect.Effect<boolean | "gone"> =>
  Effect.suspend(() => {
    const reached = addressable(path)
    if (reached === undefined) return Effect.succeed(true)
    return Effect.callback<boolean | "gone">((resume) => {
      const socket = Net.connect({ path: reached.path })
      const settle = (answered: boolean | "gone") => {
        socket.destroy()
        resume(Effect.succeed(answered))
      }
      socket.once("connect", () => settle(true))
      // Other errors, such as a full backlog or no permission, mean that a server may be there.
      socket.once("error", ({ code }: NodeJS.ErrnoException) =>
        settle(code === "ENOENT" ? "gone" : code !== "ECONNREFUSED" || isBound(path)))
      return Effect.sync(() =>
        void socket.destroy()
      )
    }).pipe(Effect.ensuring(Effect.sync(reached.close)))
  })

// The columns are Num, RefCount, Protocol, Flags, Type, St, Inode and Path (proc_net(5)).
const boundStream = /^\S+: \S+ \S+ 00000000 0001 01 +\d+ (.*)$/gm

/** Whether a stream socket is bound to the path that does not listen. Only Linux tells. */
const isBound = (path: string): boolean => {
  try {
    return Array.from(builtins.fs.readFileSync("/proc/net/unix", "utf8").matchAll(boundStream)).some(([, bound]) =>
      bound === path
    )
  } catch {
    return false
  }
}
