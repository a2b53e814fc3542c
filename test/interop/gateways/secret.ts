/** The secret of the gateways that have one. It guards nothing. */
export const gatewaySecret = 'the-gateway-of-the-test-world-32-characters'
