import { createHash, X509Certificate } from 'node:crypto'
import { tokenTypes } from '../dragoman/exchange.ts'
import type { X509Svid } from './commands.ts'

/** SVIDs as dragoman is shown them. */

export const ofX509 = ({ chain }: X509Svid) => ({ subject_token: chain, subject_token_type: tokenTypes.x509Chain })

export const ofJwt = (token: string) => ({ subject_token: token, subject_token_type: tokenTypes.jwt })

/** What binds a token to it (RFC 8705 section 3.1). */
export const thumbprintOf = ({ chain }: X509Svid): string =>
  createHash('sha256').update(new X509Certificate(chain).raw).digest('base64url')
