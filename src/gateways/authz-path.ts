import { paths } from '../domain/endpoints.ts'

/** What the target of a call to the decision endpoint says. */
export interface AuthzPath {
  readonly name: string
  /** What stands after the name, query and all: what the client asked for, where the gateway puts it there. */
  readonly tail: string
}

const named = new RegExp(`^(?:${paths.authz}|${paths.egress})([a-z0-9-]{1,63})([/?].*)?$`)

/** Undefined: this is the path of no gateway. */
export const authzPath = (target: string): AuthzPath | undefined => {
  const [, name, tail = ''] = named.exec(target) ?? []
  return name === undefined ? undefined : { name, tail }
}
