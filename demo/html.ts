/** A piece of HTML that is safe to send as it is. */
export interface Html {
  readonly html: string
}

type Part = Html | string | number | false | undefined | readonly Html[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Builds HTML: whatever is put in is escaped, unless it is HTML already. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: texts.reduce((text, next, index) => text + render(parts[index - 1]) + next) }
}

function render(part: Part): string {
  if (part === undefined || part === false) return ''
  if (typeof part === 'string') return part.replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? '')
  if (typeof part === 'number') return String(part)
  if ('html' in part) return part.html
  return part.map((each) => each.html).join('')
}
