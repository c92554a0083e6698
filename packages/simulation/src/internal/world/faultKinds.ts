import type { LinkState } from "../fabric/link.ts"
import { isIpv6 } from "../fabric/packet.ts"
import type { HostState } from "../kernel/host.ts"
import { describeFault } from "../kernel/tls/fault.ts"
import type { Event } from "../time/eventQueue.ts"
import { RandomStream } from "../time/random.ts"
import type { Description, HostKind, LinkKind } from "./faultDescription.ts"

const percent = (probability: number): string => `${Math.round(probability * 1000) / 10} %`

interface LinkFault {
  readonly isOneWay: boolean
  readonly title: (hosts: string, others: string, amount: number) => string
  /** Begins it, and returns how it ends. */
  readonly begin: (link: LinkState, amount: number) => () => void
}

export const linkFaults: Readonly<Record<LinkKind, LinkFault>> = {
  partition: {
    isOneWay: false,
    title: (a, b) => `partition ${a} | ${b}`,
    begin: (link) => link.filter(() => "partitioned")
  },
  partitionOneWay: {
    isOneWay: true,
    title: (a, b) => `partition ${a} -> ${b}`,
    begin: (link) => link.filter(() => "partitioned")
  },
  partitionIpv6: {
    isOneWay: false,
    title: (a, b) => `IPv6 partition ${a} | ${b}`,
    begin: (link) => link.filter(({ source }) => isIpv6(source.address) ? "partitioned" : undefined)
  },
  hold: { isOneWay: false, title: (a, b) => `hold ${a} - ${b}`, begin: (link) => link.hold() },
  slow: {
    isOneWay: false,
    title: (a, b, factor) => `slow ${a} - ${b}: ${factor} times`,
    begin: (link, factor) => link.slow(factor)
  },
  lossy: {
    isOneWay: false,
    title: (a, b, loss) => `lossy ${a} - ${b}: ${percent(loss)}`,
    begin: (link, loss) => link.lose(loss)
  },
  unreachable: {
    isOneWay: false,
    title: (a, b) => `unreachable ${a} | ${b}`,
    // A router on the way answers; its answers pass.
    begin: (link) =>
      link.filter((packet) => {
        if (packet.protocol === "icmp") return undefined
        link.report(packet, "host")
        return "unreachable"
      })
  },
  reset: {
    isOneWay: false,
    title: (a, b) => `reset ${a} - ${b}`,
    begin: (link) =>
      link.filter((packet) => {
        if (packet.protocol !== "tcp" || packet.resets) return undefined
        link.reset(packet)
        return "reset"
      })
  }
}

interface HostFault {
  readonly title: (hosts: string, description: Description) => string
  /** Begins it, and returns how it ends; `undefined` if the host is down already. */
  readonly begin: (host: HostState, description: Description) => (() => void) | undefined
}

export const hostFaults: Readonly<Record<HostKind, HostFault>> = {
  crash: { title: (hosts) => `crash of ${hosts}`, begin: (host) => down(host, () => host.crash()) },
  kill: { title: (hosts) => `kill of ${hosts}`, begin: (host) => down(host, () => host.kill()) },
  stop: { title: (hosts) => `stop of ${hosts}`, begin: (host, { amount }) => stop(host, (amount ?? 30_000) * 1000) },
  pause: { title: (hosts) => `pause of ${hosts}`, begin: (host) => pause(host) },
  turns: {
    title: (hosts, { amount = 0 }) => `turns of ${hosts} take up to ${amount} ms`,
    begin: (host, { amount = 0 }) => {
      const random = new RandomStream(host.seed, `${host.name}/turns`)
      host.setTurnTime(() => random.below(amount * 1000))
      return () => host.setTurnTime(undefined)
    }
  },
  skew: {
    title: (hosts, { amount = 0 }) => `clock of ${hosts} ${amount < 0 ? "behind" : "ahead"} by ${Math.abs(amount)} ms`,
    begin: (host, { amount = 0 }) => {
      host.time.skew += amount
      return () => void (host.time.skew -= amount)
    }
  },
  drift: {
    title: (hosts, { amount = 1 }) => `clock of ${hosts} runs ${amount} times as fast`,
    begin: (host, { amount = 1 }) => {
      host.time.rate *= amount
      return () => void (host.time.rate /= amount)
    }
  },
  slowDisk: {
    title: (hosts, { amount = 1 }) => `disk of ${hosts} slow: ${amount} times`,
    begin: (host, { amount = 1 }) => host.disk.slow(amount)
  },
  stallDisk: { title: (hosts) => `disk of ${hosts} stalls`, begin: (host) => host.disk.stall() },
  fillDisk: { title: (hosts) => `disk of ${hosts} full`, begin: (host) => host.disk.fill() },
  failReads: {
    title: (hosts, { amount = 1 }) => `reads of ${hosts} fail: ${percent(amount)}`,
    begin: (host, { amount = 1 }) => host.disk.failReads(amount)
  },
  failSyncs: {
    title: (hosts, { amount = 1 }) => `syncs of ${hosts} fail: ${percent(amount)}`,
    begin: (host, { amount = 1 }) => host.disk.failSyncs(amount)
  },
  rot: {
    title: (hosts, { amount = 1 }) => `bit rot on ${hosts}: ${amount}`,
    begin: (host, { amount = 1 }) => host.disk.rot(amount)
  },
  breakTls: {
    title: (hosts, { tls }) => `TLS of ${hosts}: ${tls === undefined ? "" : describeFault(tls)}`,
    begin: (host, { tls }) => {
      host.tlsFault = tls
      return () => {
        if (host.tlsFault === tls) host.tlsFault = undefined
      }
    }
  },
  descriptors: {
    title: (hosts, { amount = 0 }) => `${hosts}: at most ${amount} sockets`,
    begin: (host, { amount = 0 }) => host.descriptors.limit(amount)
  },
  failDns: { title: (hosts) => `DNS of ${hosts} fails`, begin: (host) => host.names.fail() },
  slowDns: {
    title: (hosts, { amount = 0 }) => `DNS of ${hosts} takes ${amount} ms`,
    begin: (host, { amount = 0 }) => host.names.slow(amount)
  },
  staleDns: { title: (hosts) => `DNS of ${hosts} is stale`, begin: (host) => host.names.keep() }
}

// It ends with a restart, unless something else has started the host again.
const down = (host: HostState, begin: () => void): (() => void) | undefined => {
  const { process } = host
  if (!host.isUp) return undefined
  begin()
  return () => {
    if (host.process !== process) return
    // A process that was asked to stop, and has not done so, is gone before the next one begins.
    if (host.isUp) host.kill()
    host.restart()
  }
}

const pause = (host: HostState): () => void => {
  const { gate } = host.process
  gate.pause()
  return () => gate.resume()
}

const stop = (host: HostState, grace: number): (() => void) | undefined =>
  down(host, () => {
    const { process } = host
    const exit = () => {
      host.engine.cancel(deadline)
      if (host.process === process && host.isUp) host.kill()
    }
    const deadline: Event = { place: -1, run: exit }
    host.engine.schedule(deadline, host.engine.now + grace)
    process.terminate(exit)
  })
