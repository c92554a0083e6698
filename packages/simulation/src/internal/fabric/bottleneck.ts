/** What carries a limited number of bits per second: packets that come faster wait in a queue. */
export class Bottleneck {
  #busyUntil = 0

  /**
   * When the last bit of a packet has left that comes at a time, in microseconds; `undefined` if the queue is full. The
   * bandwidth is in bits per second, the queue in bytes.
   */
  departure(at: number, size: number, { bandwidth, queue }: BottleneckSettings): number | undefined {
    const start = Math.max(at, this.#busyUntil)
    const waiting = (start - at) * bandwidth / 8e6
    if (waiting > 0 && waiting + size > queue) return undefined
    this.#busyUntil = start + size * 8e6 / bandwidth
    return Math.ceil(this.#busyUntil)
  }
}

export interface BottleneckSettings {
  readonly bandwidth: number
  readonly queue: number
}

/** The connection of a group of hosts to all others: its bandwidth is shared by their links. */
export interface Uplink {
  readonly up: Bottleneck
  readonly down: Bottleneck
  readonly upload: BottleneckSettings
  readonly download: BottleneckSettings
}
