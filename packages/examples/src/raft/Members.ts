/** The nodes that vote, and where they are. A change counts on a node from the time that its log has it. */
import type { Entry, Operation } from "./protocol.ts"

/** Nodes are numbered from 1. */
export type Id = number

export type Members = ReadonlyMap<Id, string>

/** One node more, or one less: any majority before the change shares a node with any majority after it. */
export type Change = Extract<Operation, { readonly _tag: "Add" | "Remove" }>

export const none: Members = new Map()

export const isChange = (operation: Operation): operation is Change =>
  operation._tag === "Add" || operation._tag === "Remove"

/** The members after a change: the same if it changes nothing. */
export const changed = (self: Members, change: Change): Members => {
  if (self.get(change.id) === (change._tag === "Add" ? change.address : undefined)) return self
  const next = new Map(self)
  if (change._tag === "Add") next.set(change.id, change.address)
  else next.delete(change.id)
  return next
}

/** The members after the changes among these entries. */
export const after = (self: Members, entries: ReadonlyArray<Entry>): Members =>
  entries.reduce((members, { operation }) => isChange(operation) ? changed(members, operation) : members, self)

/** Whether more than half of the members are such. */
export const isMajority = (self: Members, isSuch: (id: Id) => boolean): boolean =>
  2 * Array.from(self.keys()).filter(isSuch).length > self.size

/** `1=127.0.0.1:7001,2=127.0.0.1:7002` */
export const toText = (self: Members): string => Array.from(self, ([id, address]) => `${id}=${address}`).join(",")
