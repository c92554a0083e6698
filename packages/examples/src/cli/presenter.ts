import * as CliOutput from "effect/cli/CliOutput"
import * as Console from "effect/Console"

/** Prints help on stdout when it was asked for, and one line on stderr when a flag or an argument is wrong. */
export const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
        `${event.errors.map(({ message }) => oneLine(message)).join("; ")} (see ${event.commandPath.join(" ")} --help)`
      )
      : CliOutput.defaultPresenter.present(event)
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, " ")
