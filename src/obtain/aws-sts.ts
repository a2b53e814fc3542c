import * as z from 'zod'
import { durationWithin, url } from '../formats/settings.ts'
import { keptFor, stsCredentials } from './aws-sts-answer.ts'
import type { CommonSettings, Need, Obtainer, ObtainTools } from './obtainer.ts'
import { namesIdentity, stated, statedText } from './stated.ts'
import { subjectTokenOf } from './token-exchange.ts'

const keys = {
  region: z
    .string()
    .regex(/^[a-z]{2,8}(?:-[a-z]+)+-[0-9]{1,2}$/, 'a region such as eu-west-1')
    .meta({ description: 'The region.', examples: ['eu-west-1'] }),
  roleArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]{1,512}$/, 'the ARN of a role')
    .meta({ description: 'The role to take on.', examples: ['arn:aws:iam::123456789012:role/exports'] }),
  subject: stated.optional().meta({
    description: "`sub` of the JWT of ours that is presented. Default: the identity's subject.",
  }),
  audience: z.string().min(1).max(255).default('sts.amazonaws.com').meta({ description: '`aud` of it.' }),
  sessionName: z
    .string()
    .regex(/^[\w+=,.@-]{2,64}$/, 'letters, digits and _+=,.@-, 2 to 64')
    .optional()
    .meta({ description: 'The name of the session. Default: the subject, as far as its characters may stand there.' }),
  lifetime: durationWithin(900, 43_200, 'between 15m and 12h').default(3_600),
  policy: z
    .string()
    .min(2)
    .max(2_048)
    .optional()
    .meta({ description: 'A session policy, JSON, that narrows the role.' }),
  policyArns: z.array(z.string().min(1)).max(10).default([]).meta({ description: 'Managed policies that narrow it.' }),
  endpoint: url.optional().meta({ description: 'Default: the endpoint of the region.' }),
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

/** Keys of a role for a JWT of ours (AssumeRoleWithWebIdentity): our issuer is the identity, and nothing is kept secret. */
export const awsSts: Obtainer<Config, Config> = {
  kind: 'aws-sts',
  keys,
  takesInner: 'may',
  isRepeatable: true,
  parts: () => ['access_key_id', 'secret_access_key', 'session_token', 'expiration'],
  usualHeaders: () => [],
  namesParty: ({ subject }) => subject === undefined || namesIdentity(subject),
  endpoints: (config) => [{ at: ['endpoint'], url: endpointOf(config) }],
  prepare: async (config) => config,
  secrets: () => [],
  async obtain(need, config, tools) {
    const response = await tools.send({
      method: 'POST',
      url: endpointOf(config),
      headers: { accept: 'application/xml', 'content-type': 'application/x-www-form-urlencoded' },
      body: (await parametersOf(need, config, tools)).toString(),
    })
    const obtained = stsCredentials(response, tools.now)
    return { ...obtained, keepFor: keptFor(obtained.expiresAt, tools.now) }
  },
}

const endpointOf = ({ endpoint, region }: Config): string => endpoint ?? `https://sts.${region}.${domainOf(region)}/`

/** Regions of one partition share a domain; those of closed networks state their endpoint. */
const domainOf = (region: string): string => {
  if (region.startsWith('cn-')) return 'amazonaws.com.cn'
  return region.startsWith('eusc-') ? 'amazonaws.eu' : 'amazonaws.com'
}

const parametersOf = async (need: Need, config: Config, tools: ObtainTools): Promise<URLSearchParams> => {
  const { subject = { identity: 'subject' }, audience, policy } = config
  const { value } = await subjectTokenOf(tools.hasInner ? undefined : { subject, audience, ttl: 300 }, need, tools)
  const parameters = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: config.roleArn,
    RoleSessionName: config.sessionName ?? (await sessionNameOf(statedText(subject, need.party), tools)),
    WebIdentityToken: value.reveal(),
    DurationSeconds: String(config.lifetime),
  })
  if (policy !== undefined) parameters.set('Policy', policy)
  for (const [index, arn] of config.policyArns.entries()) parameters.set(`PolicyArns.member.${index + 1}.arn`, arn)
  return parameters
}

const longestName = 64
const digestLength = 16
const endsLikeDigest = /-[A-Za-z0-9]{16}$/

/**
 * A subject stands for itself where its characters may stand there. Any other one is told apart by a digest of it, and so is
 * one that ends as if it had such a digest: it would be somebody else's name.
 */
const sessionNameOf = async (subject: string, { ports }: ObtainTools): Promise<string> => {
  const fitting = subject.replaceAll(/[^A-Za-z0-9_+=,.@-]/gu, '-')
  const isItsOwn = fitting === subject && subject.length >= 2 && subject.length <= longestName
  if (isItsOwn && !endsLikeDigest.test(subject)) return subject
  const digest = (await ports.digest.sha256(subject)).replaceAll(/[^A-Za-z0-9]/g, '').slice(0, digestLength)
  return `${fitting.slice(0, longestName - digestLength - 1)}-${digest}`
}
