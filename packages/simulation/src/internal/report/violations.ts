// By the object that records a call, so that a report of the run knows it, whatever part of the history was checked.
const orders = new WeakMap<object, ReadonlyArray<object>>()

/** Notes that a call has no place, with the longest order that there is of those before it. */
export const noteViolation = (call: object, order: ReadonlyArray<object>): void => {
  orders.set(call, order)
}

/** The longest order without the call, if the call has no place. */
export const orderWithout = (call: object): ReadonlyArray<object> | undefined => orders.get(call)
