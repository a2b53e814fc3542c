import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import * as z from 'zod'
import { patience, stopped, within } from '../world/child-process.ts'
import type { Bundle } from './bundle.ts'

/** A JavaScript runtime with one worker on a loopback port that the system chose. */
export interface Running {
  readonly origin: string
  stop(): Promise<void>
}

/** How a runtime is started: the files that it needs beside `worker.js`, and the command that reads them. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly files: Readonly<Record<string, string>>
}

/** Starts `bundle`; throws with the runtime's own words when it does not come up. */
export const startRuntime = async (program: Program, bundle: Bundle): Promise<Running> => {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-runtime-'))
  const files = { ...program.files, 'worker.js': bundle.code }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const child = spawn(program.command, program.args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: {} })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000)
  })
  const stop = async () => {
    await stopped(child)
    process.off('exit', kill)
    rmSync(folder, { recursive: true, force: true })
  }
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${program.command} ended: ${complaints}`)
  })
  ended.catch(() => undefined)
  try {
    const port = await within(patience, program.command, Promise.race([portIn(child.stdout), ended]))
    return { origin: `http://127.0.0.1:${port}`, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const listening = z.object({ event: z.literal('listen'), port: z.number() })

/** A runtime says in its first line which port it got. */
const portIn = async (output: AsyncIterable<Buffer>): Promise<number> => {
  let text = ''
  for await (const chunk of output) {
    text += chunk.toString()
    const end = text.indexOf('\n')
    if (end >= 0) return listening.parse(JSON.parse(text.slice(0, end))).port
  }
  throw new Error(`it does not listen: ${text}`)
}
