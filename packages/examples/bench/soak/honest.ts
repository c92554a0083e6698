/** Clients that use a server as it is meant, and measure how long an answer takes. */
import * as Net from "node:net"
import { createHistogram } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import * as Tls from "node:tls"

/** How clients reach a server, and what they say. */
export interface Protocol {
  readonly port: number
  /** The authority of a server that speaks TLS. */
  readonly authority?: string
  /** What is sent before everything else. */
  readonly opening?: (client: number) => string
  /** A question, and the text that its answer holds. Default: the same text. */
  readonly ask?: (token: string) => readonly [question: string, answer: string]
}

const pause = 200 // milliseconds between two questions
const exchanges = 50 // questions of one connection
const patience = 30_000 // milliseconds

export class Honest {
  /** Latencies, in microseconds. */
  readonly latencies = createHistogram()
  readonly failures: Array<string> = []
  answers = 0
  open = 0
  #isOver = false
  readonly #clients: ReadonlyArray<Promise<void>>

  constructor(protocol: Protocol, count: number) {
    this.#clients = Array.from({ length: count }, (_, index) => this.#run(protocol, index))
  }

  async #run(protocol: Protocol, index: number): Promise<void> {
    // Not all in the same moment.
    await sleep(index * 37 % 1000)
    while (!this.#isOver) {
      try {
        await this.#connection(protocol, index)
      } catch (error) {
        // What they have in common is worth more than all of them.
        if (this.failures.length < 1000) this.failures.push(String(error))
        await sleep(1000)
      }
    }
  }

  async #connection({ ask = (token) => [token, token], authority, opening, port }: Protocol, index: number) {
    const options = { host: "127.0.0.1", port, localAddress: "127.0.0.1" }
    const socket = authority === undefined
      ? Net.connect(options)
      : Tls.connect({ ...options, ca: authority, servername: "localhost" })
    this.open++
    try {
      const answers = new Answers(socket)
      if (opening !== undefined) socket.write(opening(index))
      for (let count = 0; count < exchanges && !this.#isOver; count++) {
        const [question, answer] = ask(`${index}-${count}-${this.answers}`)
        const begun = performance.now()
        socket.write(`${question}\n`)
        await answers.until(answer)
        this.answers++
        this.latencies.record(Math.max(1, Math.round((performance.now() - begun) * 1000)))
        await sleep(pause)
      }
    } finally {
      socket.destroy()
      this.open--
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
  }
}

/** Reads a socket until a text arrives. */
class Answers {
  #text = ""
  #waiting: { readonly text: string; readonly done: () => void; readonly failed: (error: Error) => void } | undefined
  #error: Error | undefined

  constructor(socket: Net.Socket) {
    socket.setEncoding("utf8")
    socket.on("data", (text: string) => {
      this.#text = (this.#text + text).slice(-10_000)
      if (this.#waiting !== undefined && this.#text.includes(this.#waiting.text)) this.#waiting.done()
    })
    socket.on("error", (error) => this.#fail(error))
    socket.on("end", () => this.#fail(new Error("the server ended the connection")))
    socket.on("close", () => this.#fail(new Error("the connection closed")))
  }

  #fail(error: Error): void {
    this.#error ??= error
    this.#waiting?.failed(this.#error)
  }

  async until(text: string): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((done, failed) => {
        timer = setTimeout(() => failed(new Error(`no answer within ${patience / 1000} s`)), patience)
        this.#waiting = { text, done, failed }
        if (this.#text.includes(text)) done()
      })
    } finally {
      clearTimeout(timer)
      this.#waiting = undefined
      this.#text = ""
    }
  }
}
