/** What is used of node-forge's ASN.1 module, which comes without types. */
declare module 'node-forge/lib/asn1.js' {
  export interface Asn1 {
    /** The class bits of the identifier octet. */
    readonly tagClass: number
    /** The tag number: the low five bits of the identifier octet. */
    readonly type: number
    readonly constructed: boolean
    /** The elements inside; of a primitive element its content, one character an octet (two octets if type is 30). */
    readonly value: string | readonly Asn1[]
  }

  export interface FromDerOptions {
    readonly strict: boolean
    readonly parseAllBytes: boolean
    readonly decodeBitStrings: boolean
    readonly maxDepth: number
  }

  const asn1: {
    /**
     * Throws an Error on whatever cannot be taken apart. The options are all needed: it writes missing ones into them.
     */
    fromDer(binary: string, options: FromDerOptions): Asn1
  }
  export default asn1
}
