import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import type { StandardSchema } from '../../src/index.ts'

/** What all of them make of a cart. */
export interface Cart {
  readonly items: readonly { readonly id: string; readonly amount: number }[]
  readonly theme: 'light' | 'dark'
  readonly seenAt: Date
}

/** What they take: a date may be a text, as JSON leaves it, and a theme may be missing. */
export interface CartInput {
  readonly items: readonly { readonly id: string; readonly amount: number }[]
  readonly theme?: 'light' | 'dark' | undefined
  readonly seenAt: string | Date
}

const valibotDate = v.pipe(
  v.union([v.date(), v.pipe(v.string(), v.isoTimestamp())]),
  v.transform((date) => new Date(date)),
)

/** One schema in the words of each library. */
export const LIBRARIES = {
  zod: z.object({
    items: z.array(z.object({ id: z.string(), amount: z.int().positive() })),
    theme: z.enum(['light', 'dark']).default('light'),
    seenAt: z.union([z.date(), z.iso.datetime()]).transform((date) => new Date(date)),
  }),
  valibot: v.object({
    items: v.array(
      v.object({ id: v.string(), amount: v.pipe(v.number(), v.integer(), v.minValue(1)) }),
    ),
    theme: v.optional(v.picklist(['light', 'dark']), 'light'),
    seenAt: valibotDate,
  }),
  arktype: type({
    items: type({ id: 'string', amount: 'number.integer >= 1' }).array(),
    theme: "'light' | 'dark' = 'light'",
    seenAt: 'Date | string.date.iso.parse',
  }),
} satisfies Record<string, StandardSchema<CartInput, Cart>>
