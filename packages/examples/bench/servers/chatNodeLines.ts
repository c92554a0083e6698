// The chat by hand as it is mostly written: each line is written to everybody by itself.
import { serveChat } from "./chatByHand.ts"

serveChat((lines, receivers, tell) => {
  for (const line of lines) {
    const bytes = Buffer.from(line)
    for (const receiver of receivers) tell(receiver, bytes)
  }
})
