import { describe, expect, it } from 'vitest'
import { isPostgresLocation, postgresLocation, postgresName } from './postgres-location.ts'

const plain = { host: 'h', port: 5432, tls: false }

describe('the location of a PostgreSQL', () => {
  it.each([
    ['postgres://h', plain],
    ['postgresql://h:7000/orders', { ...plain, port: 7000, database: 'orders' }],
    ['postgres://us%40er:p%3Aw%2F@h/db', { ...plain, user: 'us@er', password: 'p:w/', database: 'db' }],
    ['postgres://[::1]:7000/db', { ...plain, host: '::1', port: 7000, database: 'db' }],
    ['postgres://h?sslmode=disable', plain],
    ['postgres://h?sslmode=require', { ...plain, tls: true }],
    ['postgres://h?sslmode=verify-full', { ...plain, tls: true }],
    ['postgres://h?sslrootcert=/etc/ca.pem', { ...plain, tls: true, authorities: '/etc/ca.pem' }],
  ])('%s', (text, location) => {
    expect(isPostgresLocation(text)).toBe(true)
    expect(postgresLocation(text)).toEqual(location)
  })

  it.each([
    ['postgres://', 'names no host'],
    ['postgres://user:secret@h:99999/db', 'is no URL of a PostgreSQL'],
    ['postgres://user:%zzsecret@h/db', 'has escapes that are none'],
    ['postgres://user:secret@h/db#secret', 'has a # that is not escaped'],
    ['postgres://h?password=secret', 'has a parameter other than'],
    ['postgres://h?statement_timeout=0', 'has a parameter other than'],
    ['postgres://h?options=-c%20synchronous_commit%3Doff', 'has a parameter other than'],
    ['postgres://h?sslmode=prefer', 'has an sslmode that is not'],
    ['postgres://h?sslmode=no-verify', 'has an sslmode that is not'],
    ['postgres://h?sslmode=toString', 'has an sslmode that is not'],
    ['postgres://h?sslmode=disable&sslrootcert=x', 'makes no use of it'],
  ])('%s is none, and what is said of it quotes nothing', (text, fault) => {
    expect(() => postgresLocation(text)).toThrow(fault)
    expect(() => postgresLocation(text)).not.toThrow(/secret/)
  })

  it.each(['state/dragoman.db', ':memory:', 'redis://h', '/postgres://h'])('%s is something else', (text) =>
    expect(isPostgresLocation(text)).toBe(false),
  )

  it('is named without who we are there', () =>
    expect(postgresName(postgresLocation('postgres://user:secret@h:1/db'))).toBe('h:1/db'))
})
