import { installPackages, must, run } from './command.ts'
import { madeOnce } from './made-once.ts'

/** Debian's Python, whatever else is on the path: modules of it are Debian packages too. */
export const python = '/usr/bin/python3'

/** Sees to it that `check` succeeds, by Debian packages. */
export const ensure = (what: string, check: readonly [string, ...string[]], packages: readonly string[]): void => {
  const [command, ...words] = check
  if (run(command, words).ok) return
  installPackages(packages)
  must(`having ${what}`, command, words)
}

/** The folder `home`, for PYTHONPATH, with these wheels, exactly, fetched by pip unless they are there. */
export const unpackedWheels = (home: string, wheels: readonly string[]): string =>
  madeOnce(home, (beside) => {
    ensure('pip', [python, '-m', 'pip', '--version'], ['python3', 'python3-pip'])
    const options = ['-q', '--no-deps', '--only-binary=:all:', '--root-user-action=ignore', '--target', beside]
    must(`fetching ${wheels[0]}`, python, ['-m', 'pip', 'install', ...options, ...wheels])
    return beside
  })
