/** The namespaces of SAML 2.0 (SAML core section 1.2). */
export const assertionNamespace = 'urn:oasis:names:tc:SAML:2.0:assertion'
export const protocolNamespace = 'urn:oasis:names:tc:SAML:2.0:protocol'

/** SubjectConfirmation by bearing the assertion alone (SAML profiles section 3.3). */
export const bearerMethod = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'

/** The format of a name that stands for a provider; that of an Issuer without Format (SAML core section 2.2.5). */
export const entityFormat = 'urn:oasis:names:tc:SAML:2.0:nameid-format:entity'

/** Of metadata (SAML metadata section 1.1). */
export const metadataNamespace = 'urn:oasis:names:tc:SAML:2.0:metadata'
