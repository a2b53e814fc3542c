import { describe, expect, it } from 'vitest'
import { type TestCertificate, testAuthority } from '../../test/world/certificates.ts'
import { Refusal } from '../domain/refusal.ts'
import { openTrustAnchors } from './trust-anchors.ts'

const first = testAuthority('First')
const second = testAuthority('Second')

const start = 1_800_000_000

const open = async (...certificates: readonly TestCertificate[]) => {
  const files = new Map([['ca.pem', certificates.map(({ pem }) => pem).join('')]])
  const warnings: string[] = []
  const read = async (path: string) => {
    const text = files.get(path)
    if (text === undefined) throw new Error('no such file')
    return text
  }
  const anchors = await openTrustAnchors(['ca.pem'], {
    clock: { now: () => start },
    files: { read, readBytes: () => Promise.reject(new Error('not asked for')) },
    log: { info: () => undefined, warn: (message) => warnings.push(message) },
  })
  return { anchors, files, warnings }
}

const serials = (certificates: readonly { readonly serial: string }[]) => certificates.map(({ serial }) => serial)
const serialOf = ({ serial }: TestCertificate) => serial.toString(16)

describe('trust anchors', () => {
  it('are there from the start', async () => {
    const { anchors } = await open(first, second)
    expect(serials(anchors.latest(start))).toEqual([first, second].map(serialOf))
  })

  it('are read again by whoever asks for the latest, so that a new authority needs no certificate of an old one', async () => {
    const { anchors, files } = await open(first)
    files.set('ca.pem', second.pem)
    expect(serials(anchors.latest(start + 59))).toEqual([serialOf(first)])
    anchors.latest(start + 61)
    await new Promise(setImmediate)
    expect(serials(anchors.latest(start + 61))).toEqual([serialOf(second)])
    expect(serials(await anchors.current(start + 61))).toEqual([serialOf(second)])
  })

  it('stay the objects that they were while they are the same', async () => {
    const { anchors, files } = await open(first)
    const [before] = anchors.latest(start)
    files.set('ca.pem', second.pem + first.pem)
    const [, after] = await anchors.current(start + 61)
    expect(after).toBe(before)
  })

  it.each([
    ['is gone', undefined],
    ['holds nothing', 'nothing'],
    ['holds a key', first.privateKeyPem],
  ])('outlast a file that %s by a day', async (_, text) => {
    const { anchors, files, warnings } = await open(first)
    if (text === undefined) files.delete('ca.pem')
    else files.set('ca.pem', text)
    expect(serials(await anchors.current(start + 3_600))).toEqual([serialOf(first)])
    expect(warnings).toContain('trust anchors could not be read')
    const late = anchors.current(start + 60 + 86_401)
    await expect(late).rejects.toThrow(Refusal)
    await expect(late).rejects.toMatchObject({ reason: 'keys.unavailable' })
  })

  it('cannot be opened without their file', async () => {
    await expect(
      openTrustAnchors(['gone.pem'], {
        clock: { now: () => start },
        files: {
          read: () => Promise.reject(new Error('no such file')),
          readBytes: () => Promise.reject(new Error('')),
        },
        log: { info: () => undefined, warn: () => undefined },
      }),
    ).rejects.toThrow('the trust anchors in gone.pem cannot be used: no such file')
  })
})
