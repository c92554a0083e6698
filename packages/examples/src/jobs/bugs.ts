/** Classical mistakes of job queues, which the tests plant and simulations must find. The program itself has none. */
export const bugs = {
  skipsSyncs: "jobs are written, and never synced",
  answersBeforeSync: "a job is accepted before it is on the disk",
  leasesByWallClock: "leases end by the wall clock, which can be set",
  forgetsLeases: "a server that has just started gives jobs away whose leases last",
  forgetsFences: "fences begin at 0 with each start of the server",
  acceptsLateReports: "a worker reports a job done after its lease was given to another"
} as const

export type Bug = keyof typeof bugs
