import { plural } from "../../text/plural.ts"
import { nameOf } from "./handshake/message.ts"
import { decodeAlert } from "./record/alert.ts"
import * as Record from "./record/record.ts"
import { Refusal } from "./refusal.ts"

/** What a segment has in it, if it begins with a record: `"ServerHello, Certificate, Finished"`; or nothing. */
export const describeRecords = (payload: Uint8Array): string => {
  const reader = new Record.RecordReader()
  const names: Array<string> = []
  reader.feed(payload)
  try {
    for (let record = reader.next(); record !== undefined; record = reader.next()) names.push(...describe(record))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
  }
  return names.join(", ")
}

const describe = ({ fragment, type }: Record.TlsRecord): ReadonlyArray<string> => {
  if (type === Record.alert) return [decodeAlert(fragment) ?? "alert"]
  if (type === Record.applicationData) return [plural(Math.max(0, fragment.length - Record.tagLength), "byte")]
  const names: Array<string> = []
  for (let at = 0; at + 4 <= fragment.length;) {
    names.push(nameOf(fragment[at]!) ?? "message")
    at += 4 + (fragment[at + 1]! << 16 | fragment[at + 2]! << 8 | fragment[at + 3]!)
  }
  return names
}
