/** Classical mistakes of Raft programs, which the tests plant and simulations must find. The program itself has none. */
export const bugs = {
  forgetsVotes: "a vote is not persisted",
  forgetsTerms: "the current term is not persisted",
  electsStaleLogs: "a vote is granted to a candidate whose log is behind",
  followsDeposedLeaders: "entries of a leader of an earlier term are accepted",
  commitsEarlierTerms:
    "entries of earlier terms are committed by counting replicas, so that a leader begins without one of its own",
  truncatesMatchingLogs: "each request to append truncates the log, also where it matches",
  overstatesMatches: "a follower is taken to have all of the leader's log, not what the request contained",
  commitsUnverified: "a follower commits entries of its own that it has not compared with the leader's",
  answersBeforeSync: "messages leave before what they promise is on the disk",
  repeatsWrites: "a retried write is applied again",
  snapshotsWithoutSessions: "snapshots leave out the sessions of clients",
  readsLocally: "a leader answers reads without asking whether it still is the leader",
  forgetsMembers: "a node that restarts takes the members from its snapshot, without the changes in its log",
  countsRemovedLeaders: "a leader that is removed counts itself in majorities"
} as const

/** The name of a planted bug. */
export type Bug = keyof typeof bugs

/** The bugs that a node has. */
export type Bugs = ReadonlySet<Bug>

/** No bug. */
export const none: Bugs = new Set()
