/**
 * Gives every contestant its turn at every row, round after round, one right after the other, so that what the machine
 * does meanwhile meets them alike. Who is first changes from round to round.
 */
export const interleave = async <Row, Contestant extends { readonly name: string }>(
  rounds: number,
  rows: ReadonlyArray<Row>,
  contestants: ReadonlyArray<Contestant>,
  turn: (row: Row, contestant: Contestant, round: number) => Promise<void>
): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    const first = round % contestants.length
    const order = [...contestants.slice(first), ...contestants.slice(0, first)]
    for (const row of rows) {
      for (const contestant of order) {
        try {
          await turn(row, contestant, round)
        } catch (cause) {
          throw new Error(`${contestant.name}: ${(cause as Error).message}`, { cause })
        }
      }
    }
  }
}
