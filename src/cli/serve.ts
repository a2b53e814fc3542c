import { Command } from 'commander'
import { createJsonLog, createPlainLog } from '../runtimes/node/log.ts'
import { createNodeClock } from '../runtimes/node/platform.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { addServiceOptions, announce, type ServiceOptions, start, untilSignal } from './service.ts'

/** `dragoman serve`: the service, as it runs in production. */
export const createServeCommand = (): Command =>
  addServiceOptions(new Command('serve'), { state: 'state/dragoman.db', audit: '-' })
    .addHelpText(
      'after',
      `
Every option can be set in the environment; a flag wins. Documents and keys are watched: a change is in force within
seconds, and a faulty one leaves the last good version in force. SIGTERM finishes what is in flight.

Examples:
  dragoman keys generate
  dragoman serve --issuer https://dragoman.example.com
  DRAGOMAN_ISSUER=https://dragoman.example.com DRAGOMAN_PORT=8080 dragoman serve --audit /var/log/dragoman.jsonl`,
    )
    .action(serve)

const serve = async (options: ServiceOptions): Promise<void> => {
  if (options.issuer === undefined)
    throw new CommandError(
      'our issuer has no name yet; give --issuer https://… or set DRAGOMAN_ISSUER',
      exitCodes.usage,
    )
  const log = process.stderr.isTTY ? createPlainLog(process.stderr) : createJsonLog(process.stderr, createNodeClock())
  // Before anything says that we are ready: whoever waits for that may send the signal at once.
  const signal = untilSignal()
  const server = await start(options, { world: 'serve', log })
  announce(server)
  await signal
  await server.stop()
}
