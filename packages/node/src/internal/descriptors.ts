import { devNull } from "node:os"
import { builtins } from "./facade/builtins.ts"

/** The error of the system if fewer than `count` descriptors are free. */
export const shortage = (count: number): NodeJS.ErrnoException | undefined => {
  const held: Array<number> = []
  try {
    while (held.length < count) held.push(builtins.fs.openSync(devNull, "r"))
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  } finally {
    for (const descriptor of held) builtins.fs.closeSync(descriptor)
  }
}
