/**
 * The commands, for the hints. A test compares them with `protocol/Command.ts`.
 *
 * @type {ReadonlyArray<readonly [usage: string, about: string]>}
 */
export const commands = [
  ["/nick NAME", "change your name"],
  ["/join ROOM", "enter ROOM, and leave the current one"],
  ["/leave", "leave the room"],
  ["/rooms", "list the rooms"],
  ["/who", "list the people in this room"],
  ["/msg NAME TEXT", "send TEXT to NAME only"],
  ["/me TEXT", "describe an action, as in: * alice waves"],
  ["/help", "show this help"],
  ["/quit", "leave the chat"]
]
