import { ensurePrograms } from '../command.ts'

/** The programs that make certificates, from Debian; throws when one cannot be had. */
export const install = (): void => ensurePrograms({ openssl: 'openssl', certtool: 'gnutls-bin' })
