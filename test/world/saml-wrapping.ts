import { namespaces } from './saml-names.ts'
import { changed, partOf } from './saml-text.ts'

/**
 * Signature wrapping: documents in which a genuine signature still covers what it was made for, while somebody else's
 * assertion stands where a careless reader looks. Each is made of a genuine assertion and a forged, unsigned one.
 */
export type Wrapping = (genuine: string, forged: string) => string

export const signatureOf = (xml: string): string => partOf(xml, 'ds:Signature')
export const withoutSignature = (xml: string): string => changed(xml, signatureOf(xml), '')

/** `xml` with `what` as the last, or the first, child of its root. */
export const endingWith = (xml: string, what: string): string => changed(xml, /(?=<\/[\w:]+>\s*$)/, what)
const startingWith = (xml: string, what: string): string => changed(xml, /(?<=^<[^>]*>)/, what)

const afterIssuer = (xml: string, what: string): string => changed(xml, /(?<=<\/saml:Issuer>)/, what)
const insideSignature = (signature: string, what: string): string => changed(signature, /(?=<\/ds:Signature>$)/, what)
const object = (what: string) => `<ds:Object>${what}</ds:Object>`
const idOf = (xml: string): string => /\sID="([^"]*)"/.exec(xml)?.[1] ?? ''
const withId = (xml: string, id: string): string => changed(xml, /\sID="[^"]*"/, ` ID="${id}"`)

/** The forged assertion as root, with the genuine signature, and the genuine assertion put into `place` of it. */
const hiding =
  (place: (forged: string, genuine: string, signature: string) => string): Wrapping =>
  (genuine, forged) =>
    place(forged, withoutSignature(genuine), signatureOf(genuine))

/** Of a bare assertion: the document is a forged Assertion or holds one. */
export const assertionWrappings: Readonly<Record<string, Wrapping>> = {
  'the genuine assertion in the Advice of a forged one': (genuine, forged) =>
    changed(forged, /(?<=<\/saml:Conditions>)/, `<saml:Advice>${genuine}</saml:Advice>`),
  'the genuine assertion as the last child of a forged one': endingWith,
  'the genuine assertion as the first child of a forged one': (genuine, forged) => startingWith(forged, genuine),
  'the genuine assertion after the Issuer of a forged one': (genuine, forged) => afterIssuer(forged, genuine),
  'the genuine assertion beside its signature in a forged one': hiding((forged, genuine, signature) =>
    afterIssuer(forged, signature + genuine),
  ),
  'the genuine assertion at the end of a forged one that has its signature': hiding((forged, genuine, signature) =>
    endingWith(afterIssuer(forged, signature), genuine),
  ),
  'the genuine assertion in the signature of a forged one': hiding((forged, genuine, signature) =>
    afterIssuer(forged, insideSignature(signature, genuine)),
  ),
  'the genuine assertion in an Object of the signature of a forged one': hiding((forged, genuine, signature) =>
    afterIssuer(forged, insideSignature(signature, object(genuine))),
  ),
  'the signed genuine assertion in an Object of a signature': (genuine, forged) =>
    afterIssuer(forged, `<ds:Signature xmlns:ds="${namespaces.ds}">${object(genuine)}</ds:Signature>`),
  'the genuine assertion in an AttributeValue of a forged one': (genuine, forged) =>
    changed(forged, /(?=<\/saml:AttributeValue>)/, genuine),
  'the genuine assertion in the SubjectConfirmationData of a forged one': (genuine, forged) =>
    changed(
      forged,
      /<saml:SubjectConfirmationData([^>]*)\/>/,
      partOf(forged, 'saml:SubjectConfirmationData').replace('/>', `>${genuine}</saml:SubjectConfirmationData>`),
    ),
  'the genuine assertion in the Conditions of a forged one': (genuine, forged) =>
    changed(forged, /(?=<\/saml:Conditions>)/, genuine),
  'the genuine assertion in an element of no namespace': (genuine, forged) =>
    endingWith(forged, `<wrapper xmlns="">${genuine}</wrapper>`),
  'a forged assertion in an Object of the genuine signature': (genuine, forged) =>
    changed(genuine, signatureOf(genuine), insideSignature(signatureOf(genuine), object(forged))),
  'a forged assertion in the KeyInfo of the genuine signature': (genuine, forged) =>
    changed(genuine, /(?=<\/ds:KeyInfo>)/, forged),
  'a forged assertion in the genuine signature': (genuine, forged) =>
    changed(genuine, signatureOf(genuine), insideSignature(signatureOf(genuine), forged)),
  'a forged assertion at the end of the genuine one': (genuine, forged) => endingWith(genuine, forged),
  'a forged subject in the genuine signature': (genuine, forged) =>
    changed(genuine, signatureOf(genuine), insideSignature(signatureOf(genuine), partOf(forged, 'saml:Subject'))),
  'a forged assertion before the genuine one, both as roots': (genuine, forged) => forged + genuine,
  'a forged assertion after the genuine one, both as roots': (genuine, forged) => genuine + forged,
  'a forged assertion of the same ID around the genuine one': (genuine, forged) =>
    endingWith(withId(forged, idOf(genuine)), genuine),
  'a forged assertion of the same ID that has the genuine signature': (genuine, forged) =>
    afterIssuer(withId(forged, idOf(genuine)), signatureOf(genuine)),
  'a forged assertion of the same ID, with the genuine signature and the genuine assertion in it': hiding(
    (forged, genuine, signature) =>
      afterIssuer(withId(forged, idOf(genuine)), insideSignature(signature, object(genuine))),
  ),
  'the genuine assertion in a root of another name': (genuine) =>
    `<saml:Evidence xmlns:saml="${namespaces.saml}">${genuine}</saml:Evidence>`,
  'the genuine assertion in an Assertion of another namespace': (genuine, forged) =>
    endingWith(forged.replaceAll(namespaces.saml, 'urn:oasis:names:tc:SAML:1.0:assertion'), genuine),
}

const inResponse = (genuine: string, forged: string, place: (response: string) => string): string => {
  const assertion = partOf(genuine, 'saml:Assertion')
  return place(changed(genuine, assertion, forged))
}

/**
 * Of a Response that holds a signed assertion: the shapes that SAML Raider numbers XSW 3 to 8, and others. `genuine` is
 * the Response.
 */
export const responseWrappings: Readonly<Record<string, Wrapping>> = {
  'XSW3: a forged assertion before the genuine one': (genuine, forged) =>
    changed(genuine, /(?=<saml:Assertion)/, forged),
  'XSW4: the genuine assertion inside a forged one': (genuine, forged) =>
    inResponse(genuine, endingWith(forged, partOf(genuine, 'saml:Assertion')), (response) => response),
  'XSW5: the genuine assertion last, its signature in a forged one': (genuine, forged) => {
    const assertion = partOf(genuine, 'saml:Assertion')
    return inResponse(genuine, afterIssuer(forged, signatureOf(assertion)), (response) =>
      endingWith(response, withoutSignature(assertion)),
    )
  },
  'XSW6: the genuine assertion in its signature in a forged one': (genuine, forged) => {
    const assertion = partOf(genuine, 'saml:Assertion')
    const signature = insideSignature(signatureOf(assertion), withoutSignature(assertion))
    return inResponse(genuine, afterIssuer(forged, signature), (response) => response)
  },
  'XSW7: a forged assertion of the same ID in Extensions': (genuine, forged) => {
    const evil = withId(forged, idOf(partOf(genuine, 'saml:Assertion')))
    return changed(genuine, /(?=<samlp:Status>)/, `<samlp:Extensions>${evil}</samlp:Extensions>`)
  },
  'XSW8: the genuine assertion in an Object of its signature in a forged one': (genuine, forged) => {
    const assertion = partOf(genuine, 'saml:Assertion')
    const signature = insideSignature(signatureOf(assertion), object(withoutSignature(assertion)))
    return inResponse(genuine, afterIssuer(forged, signature), (response) => response)
  },
  'XSW9: a forged assertion after the genuine one': (genuine, forged) =>
    changed(genuine, /(?=<\/samlp:Response>)/, forged),
  'the genuine assertion hidden in Extensions, a forged one of the same ID in its place': (genuine, forged) => {
    const assertion = partOf(genuine, 'saml:Assertion')
    const evil = afterIssuer(withId(forged, idOf(assertion)), signatureOf(assertion))
    return inResponse(genuine, evil, (response) =>
      changed(response, /(?=<samlp:Status>)/, `<samlp:Extensions>${withoutSignature(assertion)}</samlp:Extensions>`),
    )
  },
}

/** Of a Response that is signed itself: XSW 1 and 2, and errors as a source of genuine signatures. */
export const signedResponseWrappings: Readonly<Record<string, Wrapping>> = {
  'XSW1: the genuine response in its signature in a forged one': (genuine, forged) => {
    const signature = insideSignature(signatureOf(genuine), withoutSignature(genuine))
    return afterIssuer(forgedResponse(genuine, forged), signature)
  },
  'XSW2: the genuine response beside its signature in a forged one': (genuine, forged) =>
    afterIssuer(forgedResponse(genuine, forged), signatureOf(genuine) + withoutSignature(genuine)),
  'a forged assertion in an Object of a response': (genuine, forged) =>
    changed(genuine, signatureOf(genuine), insideSignature(signatureOf(genuine), object(forged))),
  'a forged assertion in a second signature of the same value': (genuine, forged) => {
    const value = partOf(genuine, 'ds:SignatureValue')
    const decoy = `<ds:Signature xmlns:ds="${namespaces.ds}">${value}${object(forged)}</ds:Signature>`
    return changed(genuine, signatureOf(genuine), signatureOf(genuine) + decoy)
  },
}

const forgedResponse = (genuine: string, forged: string): string =>
  withId(`${/^<[^>]*>/.exec(genuine)?.[0] ?? ''}${partOf(genuine, 'saml:Issuer')}${forged}</samlp:Response>`, '_forged')
