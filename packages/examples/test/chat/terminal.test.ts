import { describe, expect, it } from "@effect/vitest"
import * as Keys from "../../src/chat/terminal/Keys.ts"
import * as LineEditor from "../../src/chat/terminal/LineEditor.ts"
import { fit, width } from "../../src/chat/terminal/width.ts"

/** What the editor makes of bytes from a keyboard, and what it tells others to do. */
const type = (typed: string, options: { from?: LineEditor.LineEditor; complete?: LineEditor.Complete } = {}) => {
  let editor = options.from ?? LineEditor.empty
  const events: Array<LineEditor.Event> = []
  for (const key of new Keys.Reader().feed(typed)) {
    const step = LineEditor.press(editor, key, options.complete)
    editor = step.editor
    if (step.event !== undefined) events.push(step.event)
  }
  return { editor, events, text: LineEditor.text(editor), cursor: editor.before.join("") }
}

const esc = "\x1b"
const [up, down, right, left] = ["A", "B", "C", "D"].map((each) => `${esc}[${each}`) as [string, string, string, string]

describe("keys", () => {
  const read = (text: string) =>
    new Keys.Reader().feed(text).map((key) => key._tag === "Press" ? key.name : `${key._tag} ${key.text}`)

  it("are text, controls and sequences", () => {
    expect(read(`aé${left}b\r`)).toEqual(["Text aé", "Left", "Text b", "Enter"])
    expect(read(`${esc}[H${esc}OF${esc}[3~${esc}[1;5D${esc}b${esc}\x7f`)).toEqual([
      "Home",
      "End",
      "Delete",
      "WordLeft",
      "WordLeft",
      "DeleteWord"
    ])
  })

  it("leave out what is unknown", () => {
    expect(read(`a${esc}[99;99Xb${esc}[?1;2cc\x00d${esc}qe`)).toEqual([
      "Text a",
      "Text b",
      "Text c",
      "Text d",
      "Text e"
    ])
  })

  it("of function keys type nothing, on the Linux console and in rxvt", () => {
    for (const each of ["A", "B", "C", "D", "E"]) expect(read(`${esc}[[${each}x`)).toEqual(["Text x"])
    expect(read(`${esc}OPx${esc}[15~y`)).toEqual(["Text x", "Text y"])
    expect(read(`${esc}[3$x${esc}[7$y`)).toEqual(["Delete", "Text x", "Home", "Text y"])
  })

  it("of a paste without an end leave Ctrl-C working, and hold a bounded text", () => {
    const reader = new Keys.Reader()
    for (let count = 0; count < 100; count++) expect(reader.feed(`${esc}[200~${"x".repeat(10_000)}`)).toEqual([])
    expect(reader.feed("\x03a")).toEqual([{ _tag: "Press", name: "Interrupt" }, { _tag: "Text", text: "a" }])
    const [paste] = new Keys.Reader().feed(`${esc}[200~${"y".repeat(1_000_000)}${esc}[201~`)
    expect(paste).toEqual({ _tag: "Paste", text: "y".repeat(65_536) })
  })

  it("are the same however they are cut", () => {
    const typed = `x${esc}[1;5C${esc}[200~pa\rste${esc}[201~${esc}OH`
    for (let at = 0; at <= typed.length; at++) {
      const reader = new Keys.Reader()
      const keys = [...reader.feed(typed.slice(0, at)), ...reader.feed(typed.slice(at))]
      expect(keys).toEqual([
        { _tag: "Text", text: "x" },
        { _tag: "Press", name: "WordRight" },
        { _tag: "Paste", text: "pa\rste" },
        { _tag: "Press", name: "Home" }
      ])
    }
  })

  it("are not held up by a sequence that something else breaks off", () => {
    expect(read(`${esc}[\x03`)).toEqual(["Text [", "Interrupt"])
    expect(read(`${esc}O\r`)).toEqual(["Text O", "Enter"])
  })

  it("hold no more than a sequence of what has no end", () => {
    expect(read(`${esc}[${"0".repeat(100)}`).join("")).toContain("000")
  })
})

describe("the line editor", () => {
  it("enters a line", () => {
    expect(type("hello\rnext")).toMatchObject({ events: [{ _tag: "Entered", line: "hello" }], text: "next" })
  })

  it.each([
    ["inserts at the cursor", `ac${left}b`, "abc", "ab"],
    ["goes to both ends", `b${esc}[Ha${esc}[Fc`, "abc", "abc"],
    ["stops at both ends", `a${left}${left}${left}b${right}${right}${right}c`, "bac", "bac"],
    ["deletes before the cursor", "abc\x7f\x7fd", "ad", "ad"],
    ["deletes at the cursor", `abc${left}${left}${esc}[3~`, "ac", "a"],
    ["deletes a word", "one two  \x17three", "one three", "one three"],
    ["deletes a word behind a hyphen", "well-known\x17", "well-", "well-"],
    ["deletes the word to the right", `one two${esc}[H${esc}d`, " two", ""],
    ["moves by words", `one two three${esc}b${esc}bX`, "one Xtwo three", "one X"],
    ["deletes to the start and yanks it back", "one two\x15three \x19", "three one two", "three one two"],
    ["deletes to the end", `one two${left}${left}${left}\x0b`, "one ", "one "],
    ["pastes in one piece, lines as words", `a${esc}[200~b\r\nc\td${esc}[201~e`, "ab c de", "ab c de"],
    ["keeps escapes of a paste out", `${esc}[200~a\x1b[31mb${esc}[201~`, "ab", "ab"]
  ])("%s", (_, typed, text, cursor) => {
    expect(type(typed)).toMatchObject({ text, cursor })
  })

  it("takes what is seen as one character for one", () => {
    const family = "👩‍👩‍👧‍👦"
    expect(type(`a${family}\x7f`).text).toBe("a")
    expect(type(`${family}b${left}${left}a`).text).toBe(`a${family}b`)
    expect(type("e\u0301x\x7f\x7f").text).toBe("")
    // A mark that comes alone, as from a dead key.
    const typed = LineEditor.press(type("e").editor, { _tag: "Text", text: "\u0301" }).editor
    expect(typed.before).toEqual(["e\u0301"])
  })

  it("remembers lines, and the one that was being typed", () => {
    const { editor } = type("one\rtwo\rtwo\r  \rdraft")
    expect(editor.history).toEqual(["one", "two"])
    expect(type(up, { from: editor }).text).toBe("two")
    expect(type(up + up + up, { from: editor }).text).toBe("one")
    expect(type(up + up + down + down + down, { from: editor }).text).toBe("draft")
    expect(type(`${up}!\r`, { from: editor }).events).toEqual([{ _tag: "Entered", line: "two!" }])
  })

  it("drops the line on Ctrl-C, and ends without one; Ctrl-D likewise", () => {
    expect(type("text\x03")).toMatchObject({ text: "", events: [] })
    expect(type("\x03").events).toEqual([{ _tag: "Interrupted" }])
    expect(type("\x04").events).toEqual([{ _tag: "Ended" }])
    expect(type(`ab${left}\x04`)).toMatchObject({ text: "a", events: [] })
  })

  it("has an end", () => {
    const typed = type("x".repeat(1990) + esc + "[200~" + "y".repeat(100) + esc + "[201~")
    expect(typed.text).toBe("x".repeat(1990) + "y".repeat(10))
    // Half of a character is not inserted.
    expect(type("x".repeat(1999) + "🦊").text).toBe("x".repeat(1999))
  })

  it("says how much of a paste was cut", () => {
    const step = LineEditor.press(LineEditor.empty, { _tag: "Paste", text: "x".repeat(2001) })
    expect(LineEditor.text(step.editor)).toBe("x".repeat(2000))
    expect(step.cut).toBe(1)
  })

  describe("completes", () => {
    const names = ["alice", "alfred", "bob"]
    const complete: LineEditor.Complete = (before, word) =>
      names.filter((name) => name.startsWith(word) && word !== "").map((name) => `${name}${before === "" ? ": " : " "}`)

    it.each([
      ["bo\thi", "bob: hi"],
      ["hi bo\t", "hi bob "],
      ["al\t", "alice: "],
      ["al\t\t", "alfred: "],
      ["al\t\t\t", "al"],
      ["al\t\t\t\t", "alice: "],
      ["al\t!\t", "alice: !"],
      ["zzz\t", "zzz"]
    ])("%j", (typed, text) => {
      expect(type(typed, { complete }).text).toBe(text)
    })

    it("in the middle", () => {
      expect(type(`say  now${esc}b${left}bo\t`, { complete })).toMatchObject({
        text: "say bob  now",
        cursor: "say bob "
      })
    })
  })

  describe("shows", () => {
    it("the line, and the column of the cursor", () => {
      expect(LineEditor.view(type(`日本x${left}`).editor, 20)).toEqual({ text: "日本x", column: 4 })
    })

    it("the part around the cursor of a long one", () => {
      const { editor } = type("0123456789abcdef")
      expect(LineEditor.view(editor, 8)).toEqual({ text: "…abcdef", column: 7 })
      expect(LineEditor.view(type(`${esc}[H`, { from: editor }).editor, 8)).toEqual({ text: "0123456", column: 0 })
    })

    it("never more than fits, and the cursor in it", () => {
      const words = "aé日👩‍👩‍👧‍👦 e\u0301本x".repeat(4)
      for (let columns = 3; columns < 40; columns++) {
        for (let back = 0; back < 40; back++) {
          const { editor } = type(words + left.repeat(back))
          const view = LineEditor.view(editor, columns)
          expect(width(view.text)).toBeLessThan(columns)
          expect(view.column).toBeLessThan(columns)
          expect(view.column).toBeLessThanOrEqual(width(view.text))
        }
      }
    })
  })
})

describe("width", () => {
  it.each([
    ["abc", 3],
    ["é", 1],
    ["e\u0301", 1],
    ["日本語", 6],
    ["한글", 4],
    ["ｆｕｌｌ", 8],
    ["🦊", 2],
    ["👩‍👩‍👧‍👦", 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    // As glibc's wcwidth and tmux count them.
    ["ทำ", 2],
    ["น้ำ", 2],
    ["ກຳ", 2],
    ["ｶﾞ", 2],
    ["ﾊﾟﾊﾞ", 4],
    ["हिन्दी", 5],
    ["বাংলা", 5],
    ["தமிழ்", 4],
    ["", 0]
  ])("%s: %d", (text, columns) => {
    expect(width(text)).toBe(columns)
  })

  it("fits", () => {
    expect(fit("日本語", 5)).toBe("日本")
    expect(fit("abc", 9)).toBe("abc")
  })
})
