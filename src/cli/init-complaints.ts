import { OutboundError } from '../sources/outbound.ts'

/** What is wrong with what was to be fetched. */
export const complaint = (cause: unknown): string => (cause instanceof Error ? cause.message : 'it cannot be read')

/** What a person can do about it. */
export const remedy = (cause: unknown): string => {
  if (cause instanceof OutboundError && cause.kind === 'refused')
    return 'or, if that is your own network: --allow-private'
  return 'check the URL'
}
