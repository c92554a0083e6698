/** The page of the chat in Chromium: two browsers and an `nc`, a restart, a phase without a network, and hostile text. */
import { describe, expect, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { freePort } from "../../../node/test/fixtures/freePort.ts"
import { contrast, hasChromium, openBrowser, type Tab } from "../../../simulation/test/fixtures/browser.ts"
import { folder } from "../folder.ts"
import { isThere, spawn, start, stop } from "../program.ts"

if (!hasChromium) console.warn("skipped: the page of the chat, because chromium is missing")
const hasNc = isThere("nc", "-h")

// Pictures stay there, for a person to look at, if it is set.
const pictures = process.env["SLUICE_PICTURES"]

/** The chat for lines and browsers. */
const serve = async (data: string, at: { readonly port: number; readonly web: number }) => {
  const program = start(`chat server --data ${data} --refill 1ms --port ${at.port} --web 127.0.0.1:${at.web}`)
  const [, port] = await program.says(/^Server listening on .*:(\d+)$/m)
  const [, web] = await program.says(/^Web page on http:\/\/127\.0\.0\.1:(\d+)\/$/m)
  return { ...program, port: Number(port), web: Number(web), url: `http://127.0.0.1:${web}/` }
}

const shown = "[...document.querySelectorAll('#messages .said p, #messages .acted p')].map((each) => each.textContent)"
const saw = (text: string) => `${shown}.includes(${JSON.stringify(text)})`
const text = (selector: string) => `document.querySelector(${JSON.stringify(selector)})?.textContent`
const isOpen = "document.getElementById('dot').className === 'open'"

const network = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 }

const focus = (tab: Tab, id: string) =>
  tab.evaluate(`{ const f = document.getElementById('${id}'); f.focus(); f.select() }`)

const enter = async (tab: Tab, id: string, words: string) => {
  await focus(tab, id)
  await tab.type(words)
  await tab.press("Enter")
}

const say = (tab: Tab, words: string) => enter(tab, "text", words)

const join = async (tab: Tab, url: string, name: string) => {
  await tab.open(url)
  await enter(tab, "name", name)
  await tab.until(`${isOpen} && ${text("#peopleList .self .label")} === '${name}'`)
}

describe.skipIf(!hasChromium || !hasNc)("the page of the chat, in Chromium", () => {
  it("talks to browsers and nc, survives a restart, a loss of the network and hostile text", async () => {
    const data = folder()
    let server = await serve(data, { port: await freePort(), web: await freePort() })
    await using browser = await openBrowser()
    const [alice, bob] = [await browser.newTab(), await browser.newTab()]
    await alice.view(1280, 800, "light")
    await join(alice, server.url, "alice")
    expect(await alice.evaluate(text("#empty"))).toContain("Nothing has been said here yet")
    await join(bob, server.url, "bob")
    const talk = () => spawn("nc", ["127.0.0.1", String(server.port)])
    let nc = talk()
    nc.child.stdin.write("/nick carol\n/join lobby\nhello from nc\n")

    // All three hear each other.
    await alice.until(saw("hello from nc"))
    await say(alice, "hello from alice")
    await nc.says(/^<alice> hello from alice$/m)
    await bob.until(saw("hello from alice"))
    await say(bob, "/me waves")
    await nc.says(/^\* bob waves$/m)
    await alice.until(saw("bob waves"))
    await alice.until(`${text("#peopleTitle")} === 'In lobby — 3'`)

    // Text is text, whatever it holds.
    const hostile = "<script>document.title='owned'</script><img src=x onerror=alert(1)> &amp; javascript:alert(1)"
    nc.child.stdin.write(`${hostile}\n\u202eright to left\u0007\u001b[31m, in red\n${"x".repeat(10_000)}\n`)
    await alice.until(saw("right to left, in red"))
    expect(await alice.evaluate(saw(hostile))).toBe(true)
    expect(await alice.evaluate("document.querySelectorAll('#messages :is(script, img)').length")).toBe(0)
    await nc.says(/^!! that is too long: 1000 characters at most$/m)
    // Another program sends more than the page would.
    const answer = await bob.evaluate(`new Promise((done) => {
      const socket = new WebSocket("ws://" + location.host + "/chat")
      socket.onopen = () => socket.send("y".repeat(10_000))
      socket.onmessage = ({ data }) => data.includes("Refusal") && (done(JSON.parse(data).text), socket.close())
    })`)
    expect(answer).toBe("that is too long: 1000 characters at most")

    // Private messages are theirs alone, and are marked while they are unread.
    nc.child.stdin.write("/msg alice psst\n")
    await alice.until(`${text("#privateList .badge")} === '1 unread'`)
    expect(await alice.evaluate("document.title")).toBe("(1) lobby · Chat")
    await alice.evaluate("document.querySelector('#privateList button').click()")
    expect(await alice.evaluate(shown)).toEqual(["psst"])
    await say(alice, "I hear you")
    await nc.says(/^\[from alice\] I hear you$/m)
    nc.child.stdin.write("to the room\n")
    await alice.until(`${text("#roomList .badge")} === '1 unread'`)
    await alice.evaluate("document.querySelector('#roomList button').click()")
    for (const tab of [alice, bob]) await tab.until(saw("to the room"))
    expect(await bob.evaluate(saw("psst"))).toBe(false)

    // Rooms: what is said in the one that was left is marked, and is there on return.
    await say(bob, "/join garden")
    await bob.until(`${text("#title")} === '# garden' && ${text("#peopleTitle")} === 'In garden — 1'`)
    await say(alice, "bob is gone")
    await bob.until("document.querySelector('#roomList .badge.dot') !== null")
    await bob.evaluate(
      "[...document.querySelectorAll('#roomList button')].find((b) => b.textContent.includes('lobby')).click()"
    )
    await bob.until(saw("bob is gone"))

    // Typed commands, and what the server says to them.
    await focus(alice, "text")
    await alice.type("/wh")
    await alice.until("document.querySelectorAll('#hints li').length === 1")
    await alice.press("Tab")
    expect(await alice.evaluate("document.getElementById('text').value")).toBe("/who")
    await alice.press("Enter")
    await alice.until(
      `[...document.querySelectorAll('#messages .note')].some((n) => n.textContent.startsWith('in lobby: '))`
    )
    await say(alice, "/join not a name")
    await alice.until(`${text("#messages .refusal")} === 'it goes like this: /join ROOM'`)
    expect(await alice.evaluate(text("#title"))).toBe("# lobby")
    await say(alice, "/dance")
    await alice.until(`${text("#messages .refusal:last-child")} === 'there is no command /dance: /help lists them'`)

    // Pictures.
    for (const [width, height] of [[1280, 800], [390, 844]] as const) {
      for (const theme of ["light", "dark"] as const) {
        await alice.view(width, height, theme)
        if (pictures !== undefined) {
          Fs.writeFileSync(Path.join(pictures, `${width}-${theme}.png`), await alice.screenshot())
        }
        expect(await alice.evaluate("document.documentElement.scrollWidth")).toBe(width)
        const [least, where] = await alice.evaluate(contrast) as [number, string]
        expect(least, `contrast of ${where} in ${theme}`).toBeGreaterThanOrEqual(4.5)
      }
    }

    // A restart: what was said meanwhile is shown once, and what was written meanwhile is said once.
    await stop(server)
    await alice.until("!document.getElementById('status').hidden")
    await say(alice, "written while the server was down")
    await alice.until("document.querySelectorAll('#pending li').length === 1")
    server = await serve(data, server)
    nc = talk()
    nc.child.stdin.write("/nick carol\n/join lobby\nsaid after the restart\n")
    await nc.says(/<alice> written while the server was down$/m)
    for (const tab of [alice, bob]) await tab.until(`${isOpen} && ${saw("said after the restart")}`)

    // A phase without a network.
    await alice.send("Network.emulateNetworkConditions", { ...network, offline: true })
    await alice.until(`${text("#status")}.startsWith('You are offline')`)
    nc.child.stdin.write("one\ntwo\nthree\n")
    await bob.until(saw("three"))
    await say(alice, "back again")
    await alice.send("Network.emulateNetworkConditions", { ...network, offline: false })
    await nc.says(/^<alice> back again$/m)
    await alice.until(`${isOpen} && ${saw("back again")} && document.querySelectorAll('#pending li').length === 0`)
    expect(await alice.evaluate(text("#peopleList .self .label"))).toBe("alice")
    for (const tab of [alice, bob]) {
      await tab.until(saw("back again"))
      const said = await tab.evaluate(shown) as ReadonlyArray<string>
      expect(said).toEqual(Array.from(new Set(said)))
      const last = [
        "bob is gone",
        "written while the server was down",
        "said after the restart",
        "one",
        "two",
        "three",
        "back again"
      ]
      expect(said.slice(-last.length).toSorted()).toEqual(last.toSorted())
    }

    // A name that was taken meanwhile is asked for until it is free.
    await alice.send("Network.emulateNetworkConditions", { ...network, offline: true })
    await stop(server)
    server = await serve(data, server)
    nc = talk()
    nc.child.stdin.write("/nick alice\n/join lobby\n")
    await nc.says(/^-- you are now called alice$/m)
    await alice.send("Network.emulateNetworkConditions", { ...network, offline: false })
    await alice.until(`${isOpen} && /^guest/.test(${text("#peopleList .self .label")})`)
    nc.child.stdin.write("/nick carol\n")
    await alice.until(`${text("#peopleList .self .label")} === 'alice'`)

    // Two tabs with one token: the first ends, and does not fight the second.
    const again = await browser.newTab()
    await again.open(server.url)
    const stored = await alice.evaluate("JSON.stringify(sessionStorage)") as string
    await again.evaluate(`Object.assign(sessionStorage, JSON.parse(${JSON.stringify(stored)}))`)
    await again.open(server.url)
    await again.until(`${isOpen} && ${text("#peopleList .self .label")} === 'alice'`)
    await alice.until(`${text("#status")}.startsWith('You are no longer in the chat: you came back')`)

    // Nothing was refused by the policy, or went wrong otherwise.
    const expected = /WebSocket connection to .* failed|net::ERR_INTERNET_DISCONNECTED/
    for (const tab of [alice, bob, again]) expect(tab.console.filter((line) => !expected.test(line))).toEqual([])
    expect((await stop(server)).stderr).not.toMatch(/ERROR|FATAL/)
  })
})
