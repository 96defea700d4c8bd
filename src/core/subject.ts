import { InvalidValueError } from './errors.ts'

/**
 * Accepts whom a session may belong to: a name that is there. A forgotten `user.id` must not log in nobody.
 *
 * @throws InvalidValueError when `subject` is anything but a non-empty string without lone surrogates.
 */
export function assertSubject(subject: unknown): asserts subject is string {
  if (typeof subject !== 'string' || subject === '' || !subject.isWellFormed()) {
    throw new InvalidValueError('"subject" must be a non-empty string without lone surrogates')
  }
}
