// The chat by hand, with more care: the lines that came at once are written at once.
import { serveChat } from "./chatByHand.ts"

serveChat((lines, receivers, tell) => {
  const bytes = Buffer.from(lines.join(""))
  for (const receiver of receivers) tell(receiver, bytes)
})
