import type { HeaderField } from '../manager/session-manager.ts'

/** The values of header fields by their names, each name's in order. */
export type Fields = Map<string, readonly string[]>

/** Puts `fields` into `written`, in place of what their names had there. */
export function setFields(written: Fields, fields: readonly HeaderField[]): void {
  for (const [name] of fields) written.delete(name)
  for (const [name, value] of fields) written.set(name, [...(written.get(name) ?? []), value])
}
