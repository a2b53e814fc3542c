import type { JwsAlgorithm } from '../ports/signatures.ts'

/** The opaque keys that a platform hands out, and what it holds for each. */
export interface KeyHandles<Handle, Held> {
  issue(algorithm: JwsAlgorithm, held: Held): Handle
  /** Undefined for a handle that was issued elsewhere. */
  held(handle: Handle): Held | undefined
}

/** Handles that tell nothing but their algorithm and are forgotten with their last user. */
export const createKeyHandles = <Handle extends { readonly algorithm: JwsAlgorithm }, Held>(): KeyHandles<
  Handle,
  Held
> => {
  const known = new WeakMap<Handle, Held>()
  return {
    issue(algorithm, held) {
      const handle = Object.freeze({ algorithm }) as Handle
      known.set(handle, held)
      return handle
    },
    held: (handle) => known.get(handle),
  }
}
