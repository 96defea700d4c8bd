/**
 * The value of a `Vary` header that names `Cookie` beside what it named before, or `undefined` when
 * it already says so (RFC 9110 §12.5.5; `*` covers everything).
 */
export function varyWithCookie(present: string | null | undefined): string | undefined {
  if (!present?.trim()) return 'Cookie'
  // What was written at the session's first use, when it is written at another.
  if (present === 'Cookie') return undefined
  const fields = new Set(present.split(',').map((field) => field.trim().toLowerCase()))
  return fields.has('cookie') || fields.has('*') ? undefined : `${present}, Cookie`
}
