import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { callerDocument, documentsFor, fileOf, writeDocuments, writeWhole } from '../world/documents.ts'
import { eventually, subjectTokenTypes } from '../world/dragoman.ts'
import { type Running, startBoth } from '../world/running.ts'

/** Documents that change while dragoman runs. */

let running: Running
beforeEach(async () => {
  running = await startBoth()
  return running.stop
})

const fileNamed = (name: string) => join(running.folder, 'maps', name)

const subjectNow = async (token: string) => {
  const { dragoman } = running
  const answer = await dragoman.exchange({ subject_token: token, subject_token_type: subjectTokenTypes.idToken })
  if (answer.status !== 200) return dragoman.reasonOf(answer)
  return (await dragoman.verified(answer.body.access_token)).payload.sub
}

const peopleFile = () => {
  const people = documentsFor(running.provider.issuer).find(({ metadata }) => metadata.name === 'people')
  if (people === undefined) throw new Error('no document of that name')
  const file = fileNamed(fileOf(people))
  return { file, text: readFileSync(file, 'utf8') }
}

const becomes = (token: string, expected: string) =>
  eventually(async () => ((await subjectNow(token)) === expected ? true : undefined), 15_000)

describe('a change of the documents', () => {
  it('is in force without a restart', async () => {
    const token = await running.provider.idToken('alice')
    expect(await subjectNow(token)).toBe('user:alice')
    const { file, text } = peopleFile()
    writeWhole(file, text.replace('"user:"', '"employee:"'))
    await becomes(token, 'employee:alice')
  })

  it('that is broken leaves the last good version in force and is reported; mended, it is in force', async () => {
    const token = await running.provider.idToken('alice')
    const { file, text } = peopleFile()
    const quiet = running.dragoman.output().length
    writeWhole(file, text.replace('"user:"', '"employee:"').replace('"rules"', '"ruels"'))
    const report = await eventually(() => {
      const said = running.dragoman.output().slice(quiet)
      return said.includes('trustmap-people.yaml') ? said : undefined
    }, 15_000)
    expect(report).toMatch(/trustmap-people\.yaml:\d+:\d+/)
    expect(await subjectNow(token)).toBe('user:alice')
    writeWhole(file, text.replace('"user:"', '"employee:"'))
    await becomes(token, 'employee:alice')
  })

  it('a map that is taken away is believed no longer', async () => {
    const token = await running.provider.idToken('alice')
    expect(await subjectNow(token)).toBe('user:alice')
    writeDocuments(join(running.folder, 'maps'), [callerDocument(['applications'])])
    rmSync(peopleFile().file)
    await becomes(token, 'credential.audience_mismatch')
  })
})
