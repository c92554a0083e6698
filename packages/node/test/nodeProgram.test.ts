import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { start } from "./fixtures/programs.ts"

// The signals, and the messages of errors, are tested with the example programs.
describe("NodeProgram.run", () => {
  const run = (how: string) =>
    Effect.gen(function*() {
      const program = yield* start(process.execPath, [`${import.meta.dirname}/fixtures/failingProgram.ts`, how])
      return { code: yield* program.ended, output: program.output() }
    })

  it.live(
    "prints an error without a message as one line, and a defect with its stack, made safe",
    () =>
      Effect.gen(function*() {
        const [fails, dies] = yield* Effect.all([run("fails"), run("dies")], { concurrency: 2 })
        expect(fails).toEqual({ code: 1, output: `{"_tag":"Odd","text":"a\\nb"}\n` })
        expect(dies.code).toBe(1)
        expect(dies.output).toMatch(/^Error: oops\\x1b\[31m\n {4}at .*failingProgram\.ts/)
      })
  )
})
