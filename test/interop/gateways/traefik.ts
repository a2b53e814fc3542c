import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { isOnPath, must, run } from '../command.ts'
import { madeOnce } from '../made-once.ts'

/**
 * Traefik from its Go module, built here. Three modules that it is usually built with are not to be had from every
 * module proxy, and none of them has to do with how it asks or passes requests on: the clients of DNS providers, by which
 * it gets certificates; a fork of the library for basic and digest authentication; and a module that is empty. They are
 * left out or made do without: no DNS provider, and no basic authentication that succeeds.
 */
export const traefikVersion = 'v3.7.13'

const traefik = 'github.com/traefik/traefik/v3'
const lego = { module: 'github.com/go-acme/lego/v5', version: 'v5.4.1' }
const httpAuth = { module: 'github.com/abbot/go-http-auth', version: 'v0.4.0' }
const extension = 'github.com/traefik/traefik/dynamic/ext'

const noProviders = `package dns

import (
	"fmt"

	"github.com/go-acme/lego/v5/challenge"
)

func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("this build has no DNS provider: %s", name)
}
`

const noBasicAuthentication = `package auth

import "net/http"

func CheckSecret(password, secret string) bool { return false }

func (a *DigestAuth) RequireAuthStale(w http.ResponseWriter, r *http.Request) { a.RequireAuth(w, r) }
`

const emptyExtension = `package ext

type HTTP struct{}
type Router struct{}

func (in *HTTP) DeepCopyInto(out *HTTP)     { *out = *in }
func (in *Router) DeepCopyInto(out *Router) { *out = *in }
`

const downloaded = z.object({ Dir: z.string() })

/** A copy of a module at `folder`, in which files may be changed. */
const copyModule = (module: string, version: string, folder: string): void => {
  const { ok, said } = run('go', ['mod', 'download', '-json', `${module}@${version}`], { cwd: '/' })
  if (!ok) throw new Error(`fetching ${module} failed:\n${said.slice(-4000)}`)
  const { Dir: kept } = downloaded.parse(JSON.parse(said.slice(said.indexOf('{'), said.lastIndexOf('}') + 1)))
  cpSync(kept, folder, { recursive: true })
  must(`opening ${folder}`, 'chmod', ['-R', 'u+w', folder])
}

const writeModule = (folder: string, name: string, file: string, text: string): void => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'go.mod'), `module ${name}\n\ngo 1.24\n`)
  writeFileSync(join(folder, file), text)
}

/** Builds Traefik below `cache` unless it is there, and returns the folder of the program. */
export const builtTraefik = (cache: string): string =>
  madeOnce(join(cache, `traefik-${traefikVersion}`), (beside) => {
    if (!isOnPath('go')) throw new Error('Traefik is built from its Go module: install Go 1.26 or newer')
    const source = join(beside, 'traefik')
    const [providers, authentication] = [join(beside, 'lego'), join(beside, 'http-auth')]
    copyModule(traefik, traefikVersion, source)
    copyModule(lego.module, lego.version, providers)
    copyModule(httpAuth.module, httpAuth.version, authentication)
    writeFileSync(join(providers, 'providers', 'dns', 'zz_gen_dns_providers.go'), noProviders)
    writeModule(authentication, httpAuth.module, 'interop.go', noBasicAuthentication)
    writeModule(join(source, 'pkg', 'config', 'dynamic', 'ext'), extension, 'ext.go', emptyExtension)
    const place = { cwd: source, environment: { CGO_ENABLED: '0', GOFLAGS: '-mod=mod' } }
    const replaced = [`-replace=${lego.module}=${providers}`, `-replace=${httpAuth.module}=${authentication}`]
    must('replacing modules', 'go', ['mod', 'edit', ...replaced], place)
    const programs = join(beside, 'bin')
    mkdirSync(programs)
    const program = join(programs, 'traefik')
    must('building Traefik', 'go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', program, './cmd/traefik'], place)
    return programs
  })
