import { expect, it } from 'vitest'
import { certificateHeaders } from '../catalog.ts'
import { certificateFields, certificateLines, dialectFields } from './doctor-certificates.ts'

const mark = '0123456789abcdef01234567'
const der = Buffer.from(`MIIB${mark}AAAA`, 'base64')

it.each(dialectFields)('spells a certificate as $kind does', (fields) => {
  const lines = certificateLines(fields, mark)
  expect(lines.every((line) => line.includes(mark))).toBe(true)
  const values = new Map(lines.map((line) => line.split(/: (.*)/, 2) as [string, string]))
  // Only the word itself would count; the mark is beside it so that the line is known again.
  const read = (name: string) => (name === 'ssl-client-verify' ? 'SUCCESS' : values.get(name))
  const dialect = certificateHeaders.find(({ kind }) => kind === fields.kind)
  const stated = dialect?.read(read, dialect.schema.parse({}))
  expect(stated).toMatchObject({ chain: expect.arrayContaining([Uint8Array.from(der)]) })
})

it('leaves out no dialect of the catalog and none of its fields', () => {
  expect(dialectFields.map(({ kind }) => kind)).toEqual(certificateHeaders.map(({ kind }) => kind))
  expect(certificateFields).toEqual(
    expect.arrayContaining(['client-cert', 'x-amzn-mtls-clientcert', 'ssl-client-verify']),
  )
})
