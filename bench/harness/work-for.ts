/** As many operations at once as there are connections in the scenarios with servers. */
const inFlight = 64

/** Does one operation, at once or as soon as it can. Throws when it does not come out as it should. */
export type Operate = (index: number) => void | Promise<void>

/** Operates for so long, and no more than `most` times. */
export const workFor = async (
  operate: Operate,
  seconds: number,
  most = Number.POSITIVE_INFINITY,
): Promise<{ operations: number }> => {
  const until = performance.now() + seconds * 1000
  let operations = 0
  while (performance.now() < until && operations < most) {
    const pending: Promise<void>[] = []
    const end = Math.min(operations + inFlight, most)
    for (; operations < end; operations += 1) {
      const done = operate(operations)
      if (done !== undefined) pending.push(done)
    }
    await Promise.all(pending)
  }
  return { operations }
}
