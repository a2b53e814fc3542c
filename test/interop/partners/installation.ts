import { python } from '../python.ts'
import { installedMoto } from './moto.ts'
import { builtVault } from './vault.ts'
import { builtVersitygw } from './versitygw.ts'

/** Where the programs of this suite are. */
export interface Programs {
  readonly vault: string
  readonly versitygw: string
  readonly python: string
  /** The folder with moto, for PYTHONPATH. */
  readonly moto: string
}

/** Installs what the suite needs, below `cache`; throws when something cannot be had. */
export const installed = (cache: string): Programs => ({
  vault: builtVault(cache),
  versitygw: builtVersitygw(cache),
  python,
  moto: installedMoto(cache),
})
