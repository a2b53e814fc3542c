/** Work that takes longer than this on a quiet machine can hold others up, in milliseconds. */
const limit = 50

/** On a busy machine a pause may fall into any work, but hardly into the same work three times. */
const attempts = 3

/** Is `work` done within the limit? It must come to the same end every time, and throw nothing. */
export const isInTime = async (work: () => unknown): Promise<boolean> => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const startedAt = performance.now()
    await work()
    if (performance.now() - startedAt < limit) return true
  }
  return false
}
