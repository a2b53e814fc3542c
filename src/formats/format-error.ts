/** Something is not in the format that it claims to be in. The message names what is wrong and never quotes the input. */
export class FormatError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'FormatError'
  }
}
