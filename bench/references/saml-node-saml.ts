import { SAML, ValidateInResponseTo } from '@node-saml/node-saml'
import { audience, entityId, recipient } from '../harness/saml-assertions.ts'
import { answerWithAssertions } from '../harness/saml-work.ts'

/** The best-known service provider for Node, over the same assertions, each in a Response as it wants it. */

const response = (assertion: string): string =>
  [
    '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0"',
    ` IssueInstant="${new Date().toISOString()}" Destination="${recipient}">`,
    '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>',
    `${assertion}</samlp:Response>`,
  ].join('')

answerWithAssertions((assertions, { certificate }) => {
  const provider = new SAML({
    issuer: audience,
    audience,
    callbackUrl: recipient,
    idpCert: certificate,
    idpIssuer: entityId,
    wantAuthnResponseSigned: false,
    wantAssertionsSigned: true,
    validateInResponseTo: ValidateInResponseTo.never,
  })
  const ready = assertions.map((xml) => Buffer.from(response(xml), 'latin1').toString('base64'))
  return () => async (n) => {
    const { profile } = await provider.validatePostResponseAsync({ SAMLResponse: ready[n] ?? '' })
    return profile?.nameID ?? ''
  }
})
