import { join } from 'node:path'
import { ensurePrograms, must } from '../command.ts'
import { madeOnce } from '../made-once.ts'
import { ensure, python, unpackedWheels } from '../python.ts'

/**
 * The XML Security Library as a wheel that pip fetches, with the libxml2 that it was built for: Debian's is older and has
 * neither RSASSA-PSS nor more than one form of RSA-OAEP.
 */
const wheels = ['xmlsec==1.3.17', 'lxml==6.1.3']

/** Where the suite's programs are. Others are on the path. */
export interface Programs {
  readonly python: string
  /** The folder with the wheels, for PYTHONPATH. */
  readonly wheels: string
  readonly simplesamlphp: string
}

/** Unpacked alone: the package would install and start a web server. */
const unpackedSimplesamlphp = (cache: string): string =>
  madeOnce(join(cache, 'simplesamlphp'), (beside) => {
    must('updating the package lists', 'apt-get', ['update', '-q'])
    must('fetching simpleSAMLphp', 'apt-get', ['download', '-q', 'simplesamlphp'], { cwd: beside })
    must('unpacking simpleSAMLphp', 'sh', ['-c', 'dpkg -x simplesamlphp_*.deb .'], { cwd: beside })
    return join(beside, 'usr', 'share', 'simplesamlphp')
  })

/** Installs what the suite needs, below `cache` where it can; throws when something cannot be had. */
export const installed = (cache: string): Programs => {
  ensurePrograms({ samlsign: 'opensaml-tools', php: 'php-cli' })
  ensure('modules of Python', [python, '-c', 'import saml2, lasso'], ['xmlsec1', 'python3-pysaml2', 'python3-lasso'])
  const extensions = 'exit(extension_loaded("dom") && extension_loaded("mbstring") ? 0 : 1);'
  ensure('extensions of PHP', ['php', '-r', extensions], ['php-xml', 'php-mbstring'])
  return {
    python,
    wheels: unpackedWheels(join(cache, wheels.join('+')), wheels),
    simplesamlphp: unpackedSimplesamlphp(cache),
  }
}
