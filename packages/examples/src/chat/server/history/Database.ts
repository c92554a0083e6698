/** The SQLite database of the chat's history: bounded in lines, rooms, bytes and age, and readable by its owner only. */
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type * as Line from "../../protocol/Line.ts"
import * as Lookalike from "../Lookalike.ts"
import type { Entry } from "./History.ts"

export interface Limits {
  /** Lines of one room. */
  readonly lines: number
  readonly rooms: number
  /** Of the whole database. */
  readonly bytes: number
  /** Milliseconds. */
  readonly age: number
}

const defaults: Limits = { lines: 10_000, rooms: 1_000, bytes: 256 * 1024 * 1024, age: 90 * 24 * 3_600_000 }

// Limits are enforced once in this many lines, so that most writes cost nothing more.
const pruneEvery = 1000

const schema = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY,
    room TEXT NOT NULL,
    at INTEGER NOT NULL,
    tag TEXT NOT NULL CHECK (tag IN ('Said', 'Acted')),
    name TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entry_of_room ON entry (room, id);
  CREATE TABLE IF NOT EXISTS room (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS room_by_last ON room (last);
`

interface Row {
  readonly at: number
  readonly tag: Line.Spoken["_tag"]
  readonly name: string
  readonly text: string
}

/** A line to write. */
export interface Written {
  readonly room: string
  readonly entry: Entry
}

export class Database {
  readonly #sqlite: DatabaseSync
  readonly #limits: Limits
  // Lines of rooms since they were last pruned, and of all of them.
  readonly #sincePruned = new Map<string, number>()
  #sinceAllPruned = 0

  constructor(folder: string, limits: Partial<Limits>) {
    this.#limits = { ...defaults, ...limits }
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, "chat.db")
    closeSync(openSync(path, "a", 0o600))
    chmodSync(path, 0o600)
    this.#sqlite = new DatabaseSync(path, { timeout: 1000 })
    try {
      this.#sqlite.exec(schema)
      this.#migrate()
    } catch (error) {
      this.#sqlite.close()
      throw explained(path, error)
    }
  }

  close(): void {
    this.#sqlite.close()
  }

  /** The last lines of a room, the oldest first. */
  last(room: string, count: number): ReadonlyArray<Entry> {
    const rows = this.#sqlite
      .prepare("SELECT at, tag, name, text FROM entry WHERE room = ? ORDER BY id DESC LIMIT ?")
      .all(room, count) as unknown as ReadonlyArray<Row>
    return rows.toReversed().map(({ at, name, tag, text }) => ({ at, spoken: { _tag: tag, name, text } }))
  }

  /** Writes all lines, or none. */
  write(batch: ReadonlyArray<Written>): void {
    this.#transaction(() => {
      for (const { entry, room } of batch) this.#insert(room, entry)
    })
  }

  #transaction(action: () => void): void {
    this.#sqlite.exec("BEGIN IMMEDIATE")
    try {
      action()
      this.#sqlite.exec("COMMIT")
    } catch (error) {
      if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK")
      throw error
    }
  }

  #run(sql: string, ...values: ReadonlyArray<string | number>): void {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, statement = this.#sqlite.prepare(sql))
    statement.run(...values)
  }

  // One for each text in this file.
  readonly #statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>()

  #insert(room: string, { at, spoken }: Entry): void {
    this.#run(
      "INSERT INTO entry (room, at, tag, name, text) VALUES (?, ?, ?, ?, ?)",
      room,
      at,
      spoken._tag,
      spoken.name,
      spoken.text
    )
    this.#run(
      "INSERT INTO room VALUES (?, last_insert_rowid()) ON CONFLICT DO UPDATE SET last = last_insert_rowid()",
      room
    )
    const count = (this.#sincePruned.get(room) ?? 0) + 1
    this.#sincePruned.set(room, count % pruneEvery)
    if (count === pruneEvery) this.#pruneRoom(room)
    if (++this.#sinceAllPruned >= pruneEvery) this.#prune(at)
  }

  #pruneRoom(room: string): void {
    this.#run(
      `DELETE FROM entry WHERE room = ? AND id <=
       (SELECT id FROM entry WHERE room = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      // Node 22 does not bind numbered parameters.
      room,
      room,
      this.#limits.lines
    )
  }

  #prune(now: number): void {
    this.#sinceAllPruned = 0
    const { age, bytes, rooms } = this.#limits
    // Lines are in the order of their time: the first young one ends the old ones.
    this.#run(
      `DELETE FROM entry WHERE id <
       coalesce((SELECT id FROM entry WHERE at >= ? ORDER BY id LIMIT 1), 0)`,
      now - age
    )
    if (this.#size > bytes) {
      this.#run(
        "DELETE FROM entry WHERE id IN (SELECT id FROM entry ORDER BY id LIMIT (SELECT count(*) / 10 FROM entry))"
      )
    }
    this.#run(
      "DELETE FROM entry WHERE room IN (SELECT name FROM room ORDER BY last DESC LIMIT -1 OFFSET ?)",
      rooms
    )
    this.#run("DELETE FROM room WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.room = room.name)")
    // A room that is gone begins to count anew.
    if (this.#sincePruned.size > rooms) this.#sincePruned.clear()
  }

  get #size(): number {
    const pragma = (name: string) => Number(Object.values(this.#sqlite.prepare(`PRAGMA ${name}`).get()!)[0])
    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")
  }

  // Before version 1, rooms had other keys, and no table of their own.
  #migrate(): void {
    const { user_version: version } = this.#sqlite.prepare("PRAGMA user_version").get() as { user_version: number }
    if (version > 0) return
    this.#transaction(() => {
      for (const { room } of this.#sqlite.prepare("SELECT DISTINCT room FROM entry").all()) {
        this.#run("UPDATE entry SET room = ? WHERE room = ?", Lookalike.key(String(room)), String(room))
      }
      this.#sqlite.exec("INSERT OR REPLACE INTO room SELECT room, max(id) FROM entry GROUP BY room")
      this.#sqlite.exec("PRAGMA user_version = 1")
    })
  }
}

const explained = (path: string, error: unknown): Error => {
  const message = error instanceof Error ? error.message : String(error)
  return message.includes("locked")
    ? new Error(`${path} is in use (${message}); stop the other server, or choose another folder with --data`)
    : new Error(`${path}: ${message}`)
}
