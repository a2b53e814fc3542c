import { type Document, documentsFor } from './documents.ts'
import { type Dragoman, newFolder, removeFolder, type Start, startDragoman, subjectTokenTypes } from './dragoman.ts'
import { type OpenIdProvider, startOpenIdProvider } from './openid-provider.ts'
import { clients } from './openid-provider-settings.ts'

/** A provider and a dragoman that believes it, both running. */
export interface Running {
  readonly provider: OpenIdProvider
  readonly dragoman: Dragoman
  readonly folder: string
  /** Starts another dragoman in the place of one that ended: same folder, same documents, same port. */
  readonly restart: () => Promise<Dragoman>
  /** Stops everything that was started here, whatever state it is in, and removes the folder. */
  readonly stop: () => Promise<void>
}

/** Starts both, dragoman as `how` says. `prepare` may put the provider into trouble before dragoman first asks it. */
export const startBoth = async (
  documents: (issuer: string) => readonly Document[] = documentsFor,
  prepare: (provider: OpenIdProvider) => Promise<void> = async () => undefined,
  how: Start = {},
): Promise<Running> => {
  const provider = await startOpenIdProvider()
  const folder = newFolder()
  const started: Dragoman[] = []
  const start = async (written: readonly Document[], port?: string) => {
    const dragoman = await startDragoman(folder, written, { ...how, ...(port !== undefined && { port }) })
    started.push(dragoman)
    return dragoman
  }
  const stop = async () => {
    await Promise.all([...started.map((dragoman) => dragoman.stop('SIGKILL')), provider.stop()])
    removeFolder(folder)
  }
  try {
    await prepare(provider)
    const dragoman = await start(documents(provider.issuer))
    return { provider, dragoman, folder, restart: () => start([], new URL(dragoman.url).port), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** What came of presenting a token, in one line that a test can compare. */
export interface Verdict {
  readonly status: number
  readonly error?: string | undefined
  readonly reason?: string | undefined
}

/** Presents an ID token to the dragoman of `running`. */
export const present = async ({ dragoman }: Running, token: string): Promise<Verdict> => {
  const answer = await dragoman.exchange({ subject_token: token, subject_token_type: subjectTokenTypes.idToken })
  if (answer.status === 200) return granted
  return { status: answer.status, error: answer.body.error, reason: await dragoman.reasonOf(answer) }
}

export const granted: Verdict = { status: 200 }

export const invalid = (reason: string): Verdict => ({ status: 400, error: 'invalid_request', reason })

export const noKeys: Verdict = { status: 503, error: 'temporarily_unavailable', reason: 'keys.unavailable' }

/** What the impostor needs to be believed: a token with good claims, under a key id that the issuer has used. */
export const forged = ({ provider }: Running): Promise<string> => {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: provider.issuer,
    aud: clients.web.client_id,
    sub: 'alice',
    nonce: 'n',
    iat: now,
    exp: now + 300,
  }
  return provider.forgedToken({ ...claims, email: 'alice@acme.example', email_verified: true })
}
