import * as z from 'zod'
import type { OriginalRequest } from '../domain/original-request.ts'
import { FormatError } from './format-error.ts'
import { type MatchesWhole, matcherOf } from './pattern.ts'
import { requestPath } from './request-path.ts'
import { type Remark, remarked } from './schema-faults.ts'

/** How documents name requests that come through a gateway: by host, path and method. */
export interface RequestPattern {
  /** Globs, lower-case. */
  readonly hosts?: readonly string[] | undefined
  readonly paths?: readonly string[] | undefined
  readonly methods?: readonly string[] | undefined
}

const hostPattern = z
  .string()
  .regex(/^[A-Za-z0-9*_.:[\]-]{1,255}$/, 'a host, exactly or as a glob; with a port only where it matters')
  .transform((host) => host.toLowerCase())
  .meta({ examples: ['orders.example.com'] })

/** A pattern that no path could match is a mistake: it has to be in the spelling of paths itself. */
const pathPattern = z
  .string()
  .min(1)
  .max(512)
  .superRefine((pattern, context) => {
    const remark = pathRemark(pattern)
    if (remark !== undefined) context.addIssue(remarked(remark))
  })
  .meta({ examples: ['/v1/**'] })

const pathRemark = (pattern: string): Remark | undefined => {
  try {
    const spelling = requestPath(pattern)
    return spelling === pattern ? undefined : { message: 'no path is matched in this spelling', fix: spelling }
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    return { message: cause.message, fix: 'for example /v1/**' }
  }
}

/** RFC 9110 section 9.1, in the capitals that all methods have. */
export const methodGrammar = /^[A-Z][A-Z-]{0,31}$/

/** The keys of a `RequestPattern` in a document. */
export const requestPatternKeys = {
  hosts: z
    .array(hostPattern)
    .min(1)
    .optional()
    .meta({ description: 'Hosts as clients write them, without port unless the pattern has one. Default: all.' }),
  paths: z
    .array(pathPattern)
    .min(1)
    .optional()
    .meta({ description: 'Paths, exactly or as globs: * stops at / and :, ** does not. Default: all.' }),
  methods: z
    .array(z.string().regex(methodGrammar, 'a method, in capitals'))
    .min(1)
    .optional()
    .meta({ description: 'Methods, each exactly. Default: all.', examples: [['GET', 'POST']] }),
}

/** Is a request named by `pattern`? What is absent names all. */
export const requestMatcher = ({
  hosts,
  paths,
  methods,
}: RequestPattern): ((request: Omit<OriginalRequest, 'scheme'>) => boolean) => {
  const isHost = hosts === undefined ? () => true : hostMatcher(hosts)
  const isPath: MatchesWhole = paths === undefined ? () => true : matcherOf(paths)
  const isMethod: MatchesWhole = methods === undefined ? () => true : matcherOf(methods)
  return (request) => isMethod(request.method) && isHost(request) && isPath(request.path)
}

/** A pattern that has a port is for that port, and one that has none for all. */
const hostMatcher = (patterns: readonly string[]) => {
  const isHost = matcherOf(patterns.filter((pattern) => !hasPort(pattern)))
  const isAuthority = matcherOf(patterns.filter(hasPort))
  return ({ host, port }: Pick<OriginalRequest, 'host' | 'port'>): boolean =>
    isHost(host) || (port !== undefined && isAuthority(`${host}:${port}`))
}

/** An IPv6 address has its colons in brackets (RFC 3986 section 3.2.2). */
export const hasPort = (pattern: string): boolean => pattern.replace(/^\[[^\]]*\]/, '').includes(':')
