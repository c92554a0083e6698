import { getSystemErrorName } from "node:util"

/** The error of a system call, as Node makes it: with `code` and `syscall`. `errno` is negated, as libuv returns it. */
export const systemFailure = (syscall: string, errno: number): Error => {
  const code = getSystemErrorName(errno)
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall })
}
