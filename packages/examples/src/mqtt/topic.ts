/** Names of topics, and filters over them (MQTT 3.1.1, section 4.7). */

/** Longest name or filter in bytes, and its most levels. */
export const limits = { bytes: 1024, levels: 32 }

/** Whether a message can be published to it. */
export const isName = (topic: string): boolean => topic !== "" && !/[\0+#]/.test(topic)

/** Whether it can be subscribed to: a wildcard takes a whole level, and `#` the last. */
export const isFilter = (filter: string): boolean =>
  filter !== "" && /^(?:\+|[^\0+#/]*)(?:\/(?:\+|[^\0+#/]*))*$/.test(filter.replace(/(?:^|(?<=\/))#$/, ""))

/** Whether it is within the limits. */
export const isWithinLimits = (topic: string): boolean =>
  Buffer.byteLength(topic) <= limits.bytes && topic.split("/").length <= limits.levels

/** Whether it is reserved for the broker; wildcards at the first level do not match it. */
export const isReserved = (topic: string): boolean => topic.startsWith("$")
