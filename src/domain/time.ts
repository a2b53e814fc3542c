/** Seconds since 1970-01-01T00:00:00Z, fractions allowed (NumericDate, RFC 7519 section 2). */
export type Instant = number

/** A length of time in seconds. */
export type Seconds = number

/** How far the clocks of those may be apart who make and judge our tokens. */
export const clockDifference: Seconds = 30
