/**
 * A value that does not print itself: JSON, template strings and inspectors see `[secret]`.
 * Only `reveal()` gives it back, so every place that handles the bare value can be found by that word.
 */
export interface Secret<T> {
  reveal(): T
  toJSON(): string
  toString(): string
}

const masked = () => '[secret]'

/** Wraps `value` so that it cannot reach a log by accident. */
export const secret = <T>(value: T): Secret<T> => ({ reveal: () => value, toJSON: masked, toString: masked })
