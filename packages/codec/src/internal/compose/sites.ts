// dprint-ignore-file: each copy is a line
/**
 * The functions that read and write up to four fields of an object, in many copies.
 *
 * An engine makes access to a property fast where it always sees the same name and shape, and it notes what it sees for
 * each place in the source. With one copy for all structs, a field costs five times as much as in code by hand; with a
 * copy for each, as much. The structs that are used first get copies of their own; when there are no more, others share
 * the last.
 */
import { type Cursor, stop, type Stop } from "../machine/cursor.ts"
import type { Fields, ReadField, WriteField } from "../machine/plan.ts"
import type { Writer } from "../machine/writer.ts"

/** Reads four fields into an object, and returns how many were read. A field that is undefined is left out. */
export type ReadFields = (cursor: Cursor, object: Fields) => number
/** Writes four fields of an object, and returns how many were written. One whose name is empty gets the object. */
export type WriteFields = (object: Fields, writer: Writer) => number

type Four<A> = readonly [A, A, A, A]
type MakeRead = (...args: [...Four<string>, ...Four<ReadField>]) => ReadFields
type MakeWrite = (...args: [...Four<string>, ...Four<WriteField>]) => WriteFields

const readSites: ReadonlyArray<MakeRead> = [
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 },
  (k0, k1, k2, k3, r0, r1, r2, r3) => (c, o) => { let v = r0(c); if (v === stop) return 0; if (v !== undefined) o[k0] = v; v = r1(c); if (v === stop) return 1; if (v !== undefined) o[k1] = v; v = r2(c); if (v === stop) return 2; if (v !== undefined) o[k2] = v; v = r3(c); if (v === stop) return 3; if (v !== undefined) o[k3] = v; return 4 }
]

const writeSites: ReadonlyArray<MakeWrite> = [
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 },
  (k0, k1, k2, k3, w0, w1, w2, w3) => (o, w) => { w0(k0 === "" ? o : o[k0], w); if (w.problem !== undefined) return 0; w1(k1 === "" ? o : o[k1], w); if (w.problem !== undefined) return 1; w2(k2 === "" ? o : o[k2], w); if (w.problem !== undefined) return 2; w3(k3 === "" ? o : o[k3], w); if (w.problem !== undefined) return 3; return 4 }
]

let nextRead = 0
let nextWrite = 0

const readNothing = (): undefined | Stop => undefined
const writeNothing = (): void => {}

const four = <A>(items: ReadonlyArray<A>, from: number, none: A): Four<A> => [
  items[from] ?? none, items[from + 1] ?? none, items[from + 2] ?? none, items[from + 3] ?? none
]

const site = <A>(sites: ReadonlyArray<A>, next: number): A => sites[Math.min(next, sites.length - 1)]!

/** The readers of fields, four at a time. */
export const readers = (names: ReadonlyArray<string>, reads: ReadonlyArray<ReadField>): ReadonlyArray<ReadFields> =>
  Array.from({ length: Math.ceil(names.length / 4) }, (_, i) =>
    site(readSites, nextRead++)(...four(names, 4 * i, ""), ...four<ReadField>(reads, 4 * i, readNothing)))

/** The writers of fields, four at a time. */
export const writers = (names: ReadonlyArray<string>, writes: ReadonlyArray<WriteField>): ReadonlyArray<WriteFields> =>
  Array.from({ length: Math.ceil(names.length / 4) }, (_, i) =>
    site(writeSites, nextWrite++)(...four(names, 4 * i, ""), ...four<WriteField>(writes, 4 * i, writeNothing)))
