/** Are the two byte strings equal? The time taken depends on the length of `expected` alone. */
export const equalInConstantTime = (presented: Uint8Array, expected: Uint8Array): boolean => {
  let difference = presented.length ^ expected.length
  for (let at = 0; at < expected.length; at++) difference |= (presented[at] ?? 0) ^ (expected[at] ?? 0)
  return difference === 0
}
