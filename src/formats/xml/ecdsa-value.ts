/** The octets of `r` and of `s` on each curve. */
const sizes = { 'P-256': 32, 'P-384': 48, 'P-521': 66 } as const

/**
 * An ECDSA SignatureValue, `r || s` each of the curve's length (RFC 9231 section 2.3.6), as the DER that certificates
 * hold (RFC 3279 section 2.2.3). Undefined when it is not of that length.
 */
export const derOfEcdsaValue = (value: Uint8Array, curve: keyof typeof sizes): Uint8Array | undefined => {
  const size = sizes[curve]
  if (value.length !== 2 * size) return undefined
  const content = [...integer(value.subarray(0, size)), ...integer(value.subarray(size))]
  return Uint8Array.from([0x30, ...lengthOf(content.length), ...content])
}

/** A positive INTEGER in as few octets as it takes. */
const integer = (octets: Uint8Array): readonly number[] => {
  const first = octets.findIndex((octet) => octet !== 0)
  const digits = first < 0 ? [0] : [...octets.subarray(first)]
  const sign = (digits[0] ?? 0) >= 0x80 ? [0] : []
  return [0x02, sign.length + digits.length, ...sign, ...digits]
}

/** None is longer than 255. */
const lengthOf = (length: number): readonly number[] => (length < 0x80 ? [length] : [0x81, length])
