/** Runs work once the input of this turn of the event loop has been read. */
export interface Batches {
  verify<T>(work: () => T): Promise<T>
  sign<T>(work: () => T): Promise<T>
}

type Job = () => void

/**
 * Gathers the signature work of one turn of the event loop and does it in one go: all verifications, then all
 * signatures. Done one by one between system calls, each falls out of the processor's caches and costs about twice as
 * much; and synchronous calls save the thread pool's hand-over.
 */
export const createBatches = (): Batches => {
  let verifications: Job[] = []
  let signings: Job[] = []
  let scheduled = false

  const flush = (): void => {
    const jobs = verifications.concat(signings)
    verifications = []
    signings = []
    scheduled = false
    for (const job of jobs) job()
  }

  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    setImmediate(flush)
  }

  return {
    verify: (work) =>
      new Promise((resolve, reject) => {
        verifications.push(settling(work, resolve, reject))
        schedule()
      }),
    sign: (work) =>
      new Promise((resolve, reject) => {
        signings.push(settling(work, resolve, reject))
        schedule()
      }),
  }
}

const settling =
  <T>(work: () => T, resolve: (value: T) => void, reject: (cause: unknown) => void): Job =>
  () => {
    try {
      resolve(work())
    } catch (cause) {
      reject(cause)
    }
  }
