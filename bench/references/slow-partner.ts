import * as z from 'zod'
import { answerer, answerQuestions } from '../harness/answer-questions.ts'
import { listen } from './listen.ts'

/** A partner's token endpoint that takes its time, and counts how often it was asked. */

const setup = z.object({ milliseconds: z.number().positive() })
const asked = { times: 0 }

const serve = ({ milliseconds }: z.infer<typeof setup>) =>
  listen((request, response) => {
    asked.times += 1
    request.resume()
    const body = JSON.stringify({ access_token: `token-${asked.times}`, token_type: 'Bearer', expires_in: 3600 })
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(body)
    }, milliseconds)
  })

answerQuestions({
  listen: answerer(setup, serve),
  asked: answerer(z.unknown(), () => asked),
})
