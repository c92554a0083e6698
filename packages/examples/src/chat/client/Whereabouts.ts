/**
 * What a client knows of itself and of the room, from the lines that it sends and receives: enough to be the same person
 * in the same room after its connection was lost.
 */
import * as Result from "effect/Result"
import * as Command from "../protocol/Command.ts"
import type * as Line from "../protocol/Line.ts"
import * as Name from "../protocol/Name.ts"

export interface Whereabouts {
  /** What the server calls it. */
  readonly name: string | undefined
  /** What it wants to be called. */
  readonly wanted: string | undefined
  /** What it has asked to be called, and has not been answered about. */
  readonly asked: string | undefined
  readonly room: string | undefined
  /** Who is in the room, as far as it was told. */
  readonly present: ReadonlyArray<string>
}

/** Before anything is known. */
export const unknown = (wanted: string | undefined, room: string | undefined): Whereabouts => ({
  name: undefined,
  wanted,
  asked: wanted,
  room,
  present: []
})

const isSame = (a: string, b: string): boolean => Name.fold(a) === Name.fold(b)

const without = (names: ReadonlyArray<string>, name: string) => names.filter((each) => !isSame(each, name))

/** After a line was sent. */
export const sent = (self: Whereabouts, line: string): Whereabouts => {
  const command = Command.parse(line)
  if (Result.isFailure(command)) return self
  const { success } = command
  if (success._tag === "Nick") return { ...self, asked: success.name }
  return success._tag === "Leave" ? { ...self, room: undefined, present: [] } : self
}

/** After a line was received. */
export const received = (self: Whereabouts, line: Line.Line): Whereabouts => {
  switch (line._tag) {
    case "Called": {
      const isAnswer = self.asked !== undefined && isSame(line.name, self.asked)
      return isAnswer
        ? { ...self, name: line.name, wanted: line.name, asked: undefined }
        : { ...self, name: line.name }
    }
    case "Present":
      return { ...self, room: line.room, present: line.names }
    case "Joined":
      return { ...self, present: [...without(self.present, line.name), line.name] }
    case "Left":
      return { ...self, present: without(self.present, line.name) }
    case "Renamed":
      return { ...self, present: [...without(self.present, line.from), line.to] }
    default:
      return self
  }
}

/** Whether it is called otherwise than it wants, because the name is taken. */
export const isMisnamed = ({ name, wanted }: Whereabouts): boolean =>
  name !== undefined && wanted !== undefined && !isSame(name, wanted)

/** What a new connection begins with. The token gives it the name at once that an older connection still has. */
export const greeting = ({ room, wanted }: Whereabouts, token: string): ReadonlyArray<string> => [
  `/token ${token}`,
  ...(wanted === undefined ? [] : [`/nick ${wanted}`]),
  ...(room === undefined ? [] : [`/join ${room}`])
]
