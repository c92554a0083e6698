/** The MQTT broker, as the clients of Mosquitto see it. */
import { describe, expect, it } from "@effect/vitest"
import { fileOf } from "../folder.ts"
import { connect, isThere, run, serve, spawn, stop } from "../program.ts"

const hasClients = isThere("mosquitto_sub", "--help") && isThere("mosquitto_pub", "--help")

const passwords = (text: string): string => fileOf("passwords", text)

describe.skipIf(!hasClients)("mqtt server", () => {
  it("serves mosquitto_pub and mosquitto_sub", async () => {
    const broker = await serve(`mqtt server --password-file ${passwords("# users\nbob:secret word\nann:a:b\n")}`)
    const client = (
      tool: "sub" | "pub",
      args: string,
      user: ReadonlyArray<string> = ["-u", "bob", "-P", "secret word"]
    ) =>
      spawn(
        `mosquitto_${tool}`,
        ["-p", `${broker.port}`, "-W", "150", ...user, ...args.split(" ")].filter((each) =>
          tool === "sub" || !["-W", "150"].includes(each)
        )
      )
    const publish = async (args: string) => {
      const ended = await client("pub", args).ended
      expect([args, ended]).toMatchObject([args, { code: 0, stderr: "" }])
    }
    /** Starts a subscriber, and waits until it has subscribed: what is retained under `ready` comes behind the answer. */
    const subscribe = async (args: string) => {
      const subscriber = client("sub", `${args} -t ready -F got:%t,%q,%r,%p`)
      await subscriber.says(/^got:ready/m)
      return subscriber
    }
    await publish("-t ready -m yes -r -q 1")

    const [news, mortal, wills] = await Promise.all([
      subscribe("-q 1 -t news/+/# -t news/one/b -C 5"),
      subscribe("-i mortal -t nothing --will-topic wills/mortal --will-payload gone --will-qos 1"),
      subscribe("-q 1 -t wills/# -C 2")
    ])
    await publish("-t news -m unheard")
    await publish("-t news/one -m at-least -q 1")
    await publish("-t news//b -m at-most")
    await publish("-t news/one/b -m kept -q 1 -r")
    await publish("-t $SYS/x -m ignored -q 1")
    await publish("-t news/end -m end -q 1")
    const got = (text: string) =>
      text.split("\n").filter((line) => line.startsWith("got:")).map((line) => line.slice(4))
    expect(got((await news.ended).stdout)).toEqual([
      "ready,1,1,yes",
      "news/one,1,0,at-least",
      "news//b,0,0,at-most",
      "news/one/b,1,0,kept",
      "news/end,1,0,end"
    ])
    const retained = await client("sub", "-q 1 -t # -T ready -C 1 -F got:%t,%q,%r,%p").ended
    expect(got(retained.stdout)).toEqual(["news/one/b,1,1,kept"])

    mortal.child.kill("SIGKILL")
    expect(got((await wills.ended).stdout)).toEqual(["ready,1,1,yes", "wills/mortal,1,0,gone"])

    // A session is kept, and has what it missed.
    expect(await client("sub", "-c -i durable -q 1 -t later/# -E").ended).toMatchObject({ code: 0 })
    await publish("-t later/1 -m first -q 1")
    await publish("-t later/2 -m lost -q 0")
    await publish("-t later/3 -m second -q 1")
    const durable = await client("sub", "-c -i durable -q 1 -t later/# -C 2 -F got:%t,%q,%r,%p").ended
    expect(got(durable.stdout)).toEqual(["later/1,1,0,first", "later/3,1,0,second"])

    const refused = await Promise.all([
      client("sub", "-t a", ["-u", "bob", "-P", "wrong"]).ended,
      client("sub", "-t a", ["-u", "eve", "-P", "secret word"]).ended,
      client("sub", "-t a", []).ended,
      client("sub", "-V 5 -t a").ended,
      client("sub", "-V mqttv31 -t a").ended,
      client("pub", "-t a -m b", ["-u", "ann", "-P", "a:b"]).ended
    ])
    expect(refused.map(({ stderr }) => stderr)).toEqual([
      ...Array.from({ length: 3 }, () => "Connection error: Connection Refused: not authorised.\n"),
      expect.stringContaining("Unsupported Protocol Version"),
      "Connection error: Connection Refused: unacceptable protocol version.\n",
      ""
    ])
    const { code, stderr } = await stop(broker)
    expect(code).toBe(0)
    expect(stderr).not.toMatch(/secret|ERROR/)
    expect(stderr).toMatch(/WARN wrong user name or password peer=127\.0\.0\.1:\d+/)
  })

  it("delivers all of a burst", async () => {
    const broker = await serve("mqtt server")
    const count = 20_000
    const subscriber = spawn("mosquitto_sub", ["-p", `${broker.port}`, "-t", "+", "-C", `${count + 1}`, "-F", "got:%p"])
    spawn("mosquitto_pub", ["-p", `${broker.port}`, "-t", "ready", "-m", "yes", "-r"])
    await subscriber.says(/^got:yes/m)
    const publisher = await connect({ port: broker.port })
    publisher.write(Buffer.from("10 0c 00 04 4d515454 04 02 0000 0000".replaceAll(" ", ""), "hex"))
    // Its first 64 KiB are some 9000 messages, more than may wait for a subscriber.
    publisher.write(Buffer.from("30 05 00 01 61 7878".replaceAll(" ", "").repeat(count), "hex"))
    const { stdout } = await subscriber.ended
    expect(stdout.split("\n").filter((line) => line === "got:xx").length).toBe(count)
    publisher.destroy()
    expect((await stop(broker)).code).toBe(0)
  })

  it("says in one line what is wrong with the passwords", async () => {
    const { code, stderr } = await run(`mqtt server --password-file ${passwords("bob\n")}`)
    expect([code, stderr]).toEqual([
      1,
      "line 1 of the password file is wrong; write NAME:PASSWORD, each of at most 65535 bytes\n"
    ])
  })
})
