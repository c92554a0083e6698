import * as Fs from "node:fs"
import { devNull } from "node:os"

/** The error of the system if fewer than `count` descriptors are free. */
export const shortage = (count: number): NodeJS.ErrnoException | undefined => {
  const held: Array<number> = []
  try {
    while (held.length < count) held.push(Fs.openSync(devNull, "r"))
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  } finally {
    for (const descriptor of held) Fs.closeSync(descriptor)
  }
}
