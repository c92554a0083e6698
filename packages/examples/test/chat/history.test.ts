/** The history in SQLite: what it keeps, for how long, and for whom. */
import { describe, expect, it, onTestFinished } from "@effect/vitest"
import { statSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Line from "../../src/chat/protocol/Line.ts"
import { Database, type Limits } from "../../src/chat/server/history/Database.ts"
import { folder } from "../folder.ts"

const open = (limits: Partial<Limits> = {}, path = join(folder(), "data")) => {
  const database = new Database(path, limits)
  onTestFinished(() => database.close())
  return { database, path }
}

const line = (text: string, at = 0) => ({ at, spoken: Line.Said({ name: "ann", text }) })

/** Writes `count` lines to a room, one batch for each hundred. */
const fill = (database: Database, room: string, count: number, at = 0, text = "") => {
  for (let from = 0; from < count; from += 100) {
    database.write(
      Array.from(
        { length: Math.min(100, count - from) },
        (_, index) => ({ room, entry: line(`${text}${from + index}`, at) })
      )
    )
  }
}

const texts = (database: Database, room: string, count = 1_000_000) =>
  database.last(room, count).map(({ spoken }) => spoken.text)

describe("the history", () => {
  it("gives the last lines, the oldest first", () => {
    const { database } = open()
    fill(database, "a", 250)
    fill(database, "b", 5)
    expect(texts(database, "a", 3)).toEqual(["247", "248", "249"])
    expect(texts(database, "b")).toHaveLength(5)
    expect(texts(database, "c")).toEqual([])
  })

  it("prunes each room by its own count of lines, whatever the others write", () => {
    const { database } = open({ lines: 500 })
    for (let round = 0; round < 30; round++) {
      fill(database, "loud", 100)
      // The others move the numbers of rows, which must not matter.
      fill(database, `other${round}`, 7)
    }
    expect(texts(database, "loud").length).toBeLessThanOrEqual(1500)
    expect(texts(database, "loud").length).toBeGreaterThanOrEqual(500)
    expect(texts(database, "other0")).toHaveLength(7)
  })

  it("forgets rooms beyond a number, those first in which nothing was said for longest", () => {
    const { database } = open({ rooms: 50 })
    for (let room = 0; room < 2000; room++) fill(database, `room${room}`, 1)
    expect(texts(database, "room0")).toEqual([])
    expect(texts(database, "room1999")).toEqual(["0"])
    const left = Array.from({ length: 2000 }, (_, room) => texts(database, `room${room}`).length).reduce((a, b) =>
      a + b
    )
    expect(left).toBeLessThanOrEqual(50 + 1000)
  })

  it("forgets lines of a certain age", () => {
    const { database } = open({ age: 1000 })
    fill(database, "old", 100, 0)
    fill(database, "new", 1000, 5000)
    expect(texts(database, "old")).toEqual([])
    expect(texts(database, "new")).toHaveLength(1000)
  })

  it("is bounded in bytes", () => {
    const { database, path } = open({ bytes: 1_000_000, lines: 1_000_000 })
    fill(database, "big", 10_000, 0, "x".repeat(1000))
    const kept = texts(database, "big")
    expect(kept.at(-1)).toBe(`${"x".repeat(1000)}9999`)
    // The limit is looked at each 1,000 lines, and a tenth goes each time.
    expect(kept.length * 1000).toBeLessThan(10_000_000)
    expect(statSync(join(path, "chat.db")).size).toBeLessThan(12_000_000)
  })

  it.skipIf(process.platform === "win32")("is readable by its owner only", () => {
    const { path } = open()
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(statSync(join(path, "chat.db")).mode & 0o777).toBe(0o600)
  })

  it("says what to do when another server has it", () => {
    const { path } = open()
    expect(() => new Database(path, {})).toThrow(/chat\.db is in use \(database is locked\); stop the other server/)
  })

  it("takes over the rooms of a database of the version before", () => {
    const path = folder()
    const old = new DatabaseSync(join(path, "chat.db"))
    old.exec(`CREATE TABLE entry (id INTEGER PRIMARY KEY, room TEXT NOT NULL, at INTEGER NOT NULL, tag TEXT NOT NULL,
      name TEXT NOT NULL, text TEXT NOT NULL) STRICT;
      INSERT INTO entry (room, at, tag, name, text) VALUES ('lobby1', 1, 'Said', 'ann', 'hello')`)
    old.close()
    const { database } = open({}, path)
    expect(texts(database, "lobbyl")).toEqual(["hello"])
  })
})
