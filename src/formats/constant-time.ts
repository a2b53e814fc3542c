/** Are the two ASCII texts equal? The time taken depends on the length of `expected` alone. */
export const equalInConstantTime = (presented: string, expected: string): boolean => {
  let difference = presented.length ^ expected.length
  for (let at = 0; at < expected.length; at++) difference |= presented.charCodeAt(at) ^ expected.charCodeAt(at)
  return difference === 0
}
