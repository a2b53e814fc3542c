import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../command.ts'
import { buildPrograms, copyModule, ensureGo, writeModule, writeModuleFile } from '../go-modules.ts'
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

/** Builds Traefik below `cache` unless it is there, and returns the folder of the program. */
export const builtTraefik = (cache: string): string =>
  madeOnce(join(cache, `traefik-${traefikVersion}`), (beside) => {
    ensureGo('Traefik', '1.26')
    const source = join(beside, 'traefik')
    const [providers, authentication] = [join(beside, 'lego'), join(beside, 'http-auth')]
    copyModule(traefik, traefikVersion, source)
    copyModule(lego.module, lego.version, providers)
    copyModule(httpAuth.module, httpAuth.version, authentication)
    writeModuleFile(join(providers, 'providers', 'dns'), 'zz_gen_dns_providers.go', noProviders)
    writeModule(authentication, httpAuth.module, 'interop.go', noBasicAuthentication)
    writeModule(join(source, 'pkg', 'config', 'dynamic', 'ext'), extension, 'ext.go', emptyExtension)
    const place = { cwd: source, environment: { CGO_ENABLED: '0', GOFLAGS: '-mod=mod' } }
    const replaced = [`-replace=${lego.module}=${providers}`, `-replace=${httpAuth.module}=${authentication}`]
    must('replacing modules', 'go', ['mod', 'edit', ...replaced], place)
    const programs = join(beside, 'bin')
    mkdirSync(programs)
    buildPrograms('Traefik', join(programs, 'traefik'), ['./cmd/traefik'], place)
    return programs
  })
