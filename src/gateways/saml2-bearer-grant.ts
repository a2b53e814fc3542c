import { tokenTypes } from '../domain/token-type.ts'
import { assertionGrant } from './assertion-grant.ts'

/** A SAML 2.0 assertion as authorization grant (RFC 7522 section 2.1). */
export const saml2Bearer = assertionGrant('urn:ietf:params:oauth:grant-type:saml2-bearer', tokenTypes.saml2)
