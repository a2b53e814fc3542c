import * as z from 'zod'
import { answerer, answerQuestions } from '../harness/answer-questions.ts'
import { foreignIssuer } from '../harness/foreign-issuer.ts'
import { listen } from './listen.ts'

/** The foreign OpenID provider: discovery and keys, on loopback. Its tokens were signed before. */

const setup = z.object({ jwk: z.record(z.string(), z.unknown()) })

const serve = ({ jwk }: z.infer<typeof setup>) =>
  listen((request, response) => {
    const documents: Readonly<Record<string, unknown>> = {
      '/.well-known/openid-configuration': {
        issuer: foreignIssuer,
        jwks_uri: `http://${request.headers.host}/jwks.json`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      },
      '/jwks.json': { keys: [jwk] },
    }
    const document = documents[request.url ?? '']
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(document ?? {}))
  })

answerQuestions({ listen: answerer(setup, serve) })
