import { describe, expect, it } from 'vitest'
import { isRedisLocation, redisLocation, redisName } from './redis-location.ts'

const standalone = { topology: 'standalone', tls: false, database: 0, replicas: 0 }

describe('the location of a Redis', () => {
  it.each([
    ['redis://h', { ...standalone, nodes: [{ host: 'h', port: 6379 }] }],
    ['valkey://h:7000/3', { ...standalone, nodes: [{ host: 'h', port: 7000 }], database: 3 }],
    ['rediss://[::1]:7000', { ...standalone, tls: true, nodes: [{ host: '::1', port: 7000 }] }],
    [
      'redis://us%40er:p%3Aw%2F@h',
      { ...standalone, nodes: [{ host: 'h', port: 6379 }], username: 'us@er', password: 'p:w/' },
    ],
    ['redis://:secret@h', { ...standalone, nodes: [{ host: 'h', port: 6379 }], password: 'secret' }],
    [
      'rediss+cluster://a:1,b',
      {
        ...standalone,
        topology: 'cluster',
        tls: true,
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 6379 },
        ],
      },
    ],
    [
      'redis+sentinel://a,b:2/orders',
      {
        ...standalone,
        topology: 'sentinel',
        nodes: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 2 },
        ],
        masterName: 'orders',
        replicas: 1,
      },
    ],
    ['redis://h/1?replicas=2', { ...standalone, nodes: [{ host: 'h', port: 6379 }], database: 1, replicas: 2 }],
  ])('%s', (text, location) => {
    expect(isRedisLocation(text)).toBe(true)
    expect(redisLocation(text)).toEqual(location)
  })

  it.each([
    ['redis://', 'names no host'],
    ['redis://h:99999', 'has a host that is none'],
    ['redis://h/x', 'has a path that is not the number of a database'],
    ['redis://h?password=secret', 'names no host'],
    ['redis://a,b', 'names several hosts'],
    ['redis+sentinel://a', 'names no master'],
    ['redis://u:%zz@h', 'has escapes that are none'],
    ['redis://u:secret@h@evil', 'names no host'],
  ])('%s is none, and what is said of it quotes nothing', (text, fault) => {
    expect(() => redisLocation(text)).toThrow(fault)
    expect(() => redisLocation(text)).not.toThrow('secret')
  })

  it.each(['state/dragoman.db', ':memory:', 'http://h', 'redis', '/redis://h'])('%s is something else', (text) =>
    expect(isRedisLocation(text)).toBe(false),
  )

  it('is named without who we are there', () =>
    expect(redisName(redisLocation('redis+cluster://u:secret@a:1,b:2'))).toBe('a:1,b:2'))
})
