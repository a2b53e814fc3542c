/**
 * What is in use, by its owner and its name. The same name yields the same thing for as long as somebody holds it, so that
 * a reload of the documents costs no fetch and forgets nothing.
 */
export const sharedInUse = <T extends WeakKey>() => {
  const inUse = new WeakMap<object, Map<string, WeakRef<T>>>()
  return (owner: object, name: string, create: () => T): T => {
    const things = inUse.get(owner) ?? new Map<string, WeakRef<T>>()
    inUse.set(owner, things)
    for (const [other, held] of things) if (held.deref() === undefined) things.delete(other)
    const thing = things.get(name)?.deref() ?? create()
    things.set(name, new WeakRef(thing))
    return thing
  }
}
