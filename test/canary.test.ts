import { describe, expect, it } from 'vitest'
import { createCanary } from './world/canary.ts'

describe('the canary of the egress tests', () => {
  it.each([
    ['as it is', 'key: s3cr3t/of+partner', 's3cr3t/of+partner'],
    ['in a URL', 'GET /?key=s3cr3t%2Fof%2Bpartner', 's3cr3t/of+partner'],
    ['in JSON', JSON.stringify({ key: 'a "quoted" secret' }), 'a "quoted" secret'],
    ['by one of its lines', 'QUJDREVGR0hJSktMTU5P', '-----BEGIN KEY-----\nQUJDREVGR0hJSktMTU5P\n-----END KEY-----'],
  ])('finds a secret %s, and does not repeat it', (_how, text, secret) => {
    const canary = createCanary()
    canary.secret(secret)
    canary.wrote('a log', 'nothing of the kind')
    expect(() => canary.check()).not.toThrow()
    canary.wrote('an answer', text)
    expect(() => canary.check()).toThrow(/… in an answer$/)
    expect(() => canary.check()).not.toThrow(secret.split('\n')[1] ?? secret)
  })

  it('does not pass when it has seen nothing', () => {
    expect(() => createCanary().check()).toThrow('nothing to search')
  })
})
