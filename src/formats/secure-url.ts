/** Is `value` https, or plain http to this machine where that is allowed (dev)? */
export const isSecure = (value: string, insecureLoopback: boolean): boolean => {
  const parsed = URL.canParse(value) ? new URL(value) : undefined
  if (parsed?.protocol === 'https:') return true
  return insecureLoopback && ['localhost', '127.0.0.1', '[::1]'].includes(parsed?.hostname ?? '')
}
