import type { Fault } from '../domain/fault.ts'
import { formatFault } from '../formats/fault-text.ts'

/** Faults as a terminal shows them: place, message, source line with a caret, and what to write instead. */
export const faultsText = (faults: readonly Fault[], texts: ReadonlyMap<string, string>): string =>
  faults.map((fault) => formatFault(fault, texts.get(fault.location.file) ?? '')).join('\n\n')

/** Faults as workflow commands, which GitHub shows at the line in a pull request. */
export const faultsForGithub = (faults: readonly Fault[], level: 'error' | 'warning' = 'error'): string =>
  faults.map((fault) => workflowCommand(fault, level)).join('\n')

const workflowCommand = ({ location, path, message, fix }: Fault, level: string): string => {
  const { file, line, column } = location
  const place = `file=${property(file)},line=${line},col=${column}`
  const text = [path, message, fix === undefined ? '' : `fix: ${fix}`].filter((part) => part !== '').join(': ')
  return `::${level} ${place},title=dragoman check::${data(text)}`
}

/** What ends a line or an escape would end the command. */
const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

/** `1 fault`, `3 faults`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
