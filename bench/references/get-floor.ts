import * as z from 'zod'
import { answerer, answerQuestions } from '../harness/answer-questions.ts'
import { listen } from './listen.ts'

/** node:http that answers every request with as many bytes of headers as a gateway is told, and nothing between. */

const setup = z.object({ headers: z.array(z.tuple([z.string(), z.string()])) })

/** What node:http writes by itself. */
const automatic = new Set(['date', 'connection', 'keep-alive'])

const serve = ({ headers }: z.infer<typeof setup>) => {
  const constant = Object.fromEntries(headers.filter(([name]) => !automatic.has(name.toLowerCase())))
  return listen((request, response) => {
    response.writeHead(request.method === 'GET' ? 200 : 400, constant)
    response.end()
  })
}

answerQuestions({ listen: answerer(setup, serve) })
