/** How the program ends. Scripts rely on these numbers. */
export const exitCodes = {
  ok: 0,
  /** It could not do what it was asked, or (`explain`) the credential is refused. */
  failure: 1,
  /** It was asked in a way that it does not understand. */
  usage: 2,
  /** The documents have faults, or (`doctor`) what it looked at has. */
  faults: 3,
  /** The documents are sound, and policy tests have failed. */
  testsFailed: 4,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends a command with a message for the person who gave it: lower case, with what to do instead. */
export class CommandError extends Error {
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = exitCodes.failure, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}
