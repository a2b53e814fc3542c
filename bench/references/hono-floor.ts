import { Hono } from 'hono'
import * as z from 'zod'
import { answerer, answerQuestions } from '../harness/answer-questions.ts'
import { listenHono } from './listen.ts'

/** Hono that reads a form and answers with as many bytes as an exchange does, and nothing between. */

const setup = z.object({ body: z.string() })

const serve = ({ body }: z.infer<typeof setup>) => {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  const app = new Hono()
  app.post('/token', async (context) => {
    const form = await context.req.text()
    return context.body(body, form === '' ? 400 : 200, headers)
  })
  return listenHono(app)
}

answerQuestions({ listen: answerer(setup, serve) })
