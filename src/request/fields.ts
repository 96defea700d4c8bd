import type { HeaderField } from '../manager/session-manager.ts'

/** Header fields, those of a name in order. */
export type Fields = readonly HeaderField[]

/** `fields` beside what is `written`, in place of what their names have there. */
export function mergeFields(written: Fields, fields: Fields): Fields {
  const others = written.filter(([name]) => !fields.some(([replaced]) => replaced === name))
  return others.length === 0 ? fields : [...others, ...fields]
}
