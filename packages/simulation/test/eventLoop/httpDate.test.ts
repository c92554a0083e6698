import { expect, it } from "@effect/vitest"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Http from "node:http"

type Headers = Parameters<Http.ServerResponse["writeHead"]>[1]

/** The dates in the head of a response of node:http. */
const dates = (headers?: Headers, sendDate = true): ReadonlyArray<string> => {
  const request = Object.assign(new Http.IncomingMessage(null as never), { method: "GET", httpVersionMajor: 1 })
  const response = new Http.ServerResponse(request)
  response.sendDate = sendDate
  response.writeHead(200, headers as Http.OutgoingHttpHeaders)
  expect(response.sendDate).toBe(sendDate)
  const { _header } = response as unknown as { readonly _header: string }
  return _header.split("\r\n").filter((line) => /^date:/i.test(line))
}

it.effect("responses of node:http have the date of the run, once, unless they have one of their own or want none", () =>
  Effect.gen(function*() {
    const given = ["date: today"]
    const own: ReadonlyArray<Headers> = [{ date: "today" }, ["date", "today"], [["date", "today"]] as never]
    const all = () => [
      dates(),
      dates({ server: "x" }),
      dates(undefined, false),
      ...own.map((headers) => dates(headers))
    ]
    const hour = Effect.andThen(Effect.sleep("1 hour"), Effect.sync(all))
    const date = ["Date: Thu, 01 Jan 1970 01:00:00 GMT"]
    expect(yield* Simulation.run(hour)).toEqual([date, date, [], given, given, given])
    const [real] = dates()
    expect(Date.parse(real!.slice(6))).toBeGreaterThan(1e12)
    expect(dates({ date: "today" })).toEqual(given)
  }))
