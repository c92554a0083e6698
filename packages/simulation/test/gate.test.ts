import { describe, expect, it } from "vitest"
import type { Event } from "../src/internal/time/eventQueue.ts"
import { Gate } from "../src/internal/time/gate.ts"
import { VirtualTime } from "../src/internal/time/virtualTime.ts"

/** The gate of a process in virtual time, and what passed it and when. */
const scene = () => {
  const time = new VirtualTime(undefined)
  const gate = new Gate(time, time, "host")
  const log: Array<string> = []
  const at = (micros: number, run: () => void) => time.schedule({ place: -1, run }, micros)
  const task = (name: string) => () => log.push(`${name} at ${time.now}`)
  const alarm = (name: string): Event => ({ place: -1, run: task(name) })
  /** What has passed since the last time. */
  const passed = () => {
    time.run(() => false, { time: 1e9, steps: 1e6 })
    return log.splice(0)
  }
  return { time, gate, at, task, alarm, passed, log }
}

describe("the gate of a process", () => {
  it("lets tasks through at once, and those that are submitted soon", () => {
    const { gate, log, passed, task } = scene()
    gate.run(task("a"))
    gate.submit(task("b"))
    gate.run(task("c"))
    expect(log).toEqual(["a at 0", "c at 0"])
    expect(passed()).toEqual(["a at 0", "c at 0", "b at 0"])
  })

  it("keeps tasks while it is paused, however often, and lets them through in their order", () => {
    const { at, gate, passed, task } = scene()
    gate.pause()
    gate.pause()
    gate.run(task("a"))
    gate.submit(task("b"))
    at(10, () => gate.resume())
    at(15, () => gate.run(task("c")))
    at(20, () => gate.resume())
    at(30, () => gate.run(task("d")))
    at(40, () => gate.pause())
    at(41, () => gate.run(task("e")))
    at(42, () => gate.resume())
    expect(passed()).toEqual(["a at 20", "b at 20", "c at 20", "d at 30", "e at 42"])
    expect(gate.isDead).toBe(false)
  })

  it("pauses again in the middle of what waited", () => {
    const { at, gate, passed, task } = scene()
    gate.pause()
    gate.run(() => gate.pause())
    gate.run(task("a"))
    at(10, () => gate.resume())
    at(20, () => gate.resume())
    expect(passed()).toEqual(["a at 20"])
  })

  it("M4: lets nothing through once it is dead, and tells those who asked, once", () => {
    const { alarm, at, gate, passed, task } = scene()
    gate.pause()
    gate.run(task("waiting"))
    gate.submit(task("submitted"))
    gate.schedule(alarm("alarm"), 20)
    gate.onDead(task("dead"))
    const takeBack = gate.onDead(task("taken back"))
    takeBack()
    at(10, () => {
      gate.kill()
      gate.kill()
      gate.resume()
      gate.run(task("late"))
      gate.submit(task("later"))
      gate.schedule(alarm("late alarm"), 30)
      gate.pause()
      gate.resume()
    })
    at(50, () => gate.run(task("last")))
    expect(passed()).toEqual(["dead at 10"])
    expect(gate.isDead).toBe(true)
  })

  it("lets alarms through at their times, but those that are canceled", () => {
    const { alarm, gate, passed } = scene()
    const [a, b, c] = [alarm("a"), alarm("b"), alarm("c")]
    gate.schedule(a, 10)
    gate.schedule(b, 20)
    gate.schedule(c, 30)
    gate.cancel(b)
    gate.cancel(b)
    gate.cancel(alarm("never"))
    expect(passed()).toEqual(["a at 10", "c at 30"])
  })

  it("gives each task its time, one after the other, and none while another has its own", () => {
    const { at, gate, passed, task, time } = scene()
    const times = [5, 7, 0, 9]
    gate.turnTime = () => times.shift() ?? 1
    gate.run(() => {
      task("a")()
      gate.run(task("c"))
    })
    gate.run(task("b"))
    at(12, () => gate.run(task("d")))
    at(14, () => gate.pause())
    at(40, () => gate.resume())
    at(41, () => gate.run(task("e")))
    at(60, () => {
      gate.turnTime = undefined
      gate.run(task("f"))
      gate.run(task("g"))
    })
    // The first takes 5, the second 7, the third no time, and the fourth 9.
    expect(passed()).toEqual(["a at 0", "c at 5", "b at 12", "d at 12", "e at 41", "f at 60", "g at 60"])
    expect(time.now).toBe(60)
  })

  it("takes its time also for a task that fails", () => {
    const { gate, passed, task } = scene()
    gate.turnTime = () => 5
    expect(() =>
      gate.run(() => {
        throw new Error("odd")
      })
    ).toThrow("odd")
    gate.run(task("a"))
    expect(passed()).toEqual(["a at 5"])
  })
})
