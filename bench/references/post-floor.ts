import * as z from 'zod'
import { answerer, answerQuestions } from '../harness/answer-questions.ts'
import { listen } from './listen.ts'

/** node:http that reads a form and answers with as many bytes as an exchange does, and nothing between. */

const setup = z.object({ body: z.string() })

const serve = ({ body }: z.infer<typeof setup>) => {
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
  }
  return listen((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const form = Buffer.concat(chunks).toString('latin1')
      response.writeHead(form === '' ? 400 : 200, headers)
      response.end(body, 'latin1')
    })
  })
}

answerQuestions({ listen: answerer(setup, serve) })
