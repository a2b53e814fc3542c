/** Is it the location of a PostgreSQL, rather than of something else? */
export const isPostgresLocation = (text: string): boolean => /^postgres(?:ql)?:\/\//.test(text)
