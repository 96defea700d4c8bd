import { decode, encode } from 'cbor-x'
import { parse, stringify } from 'devalue'
import * as superjson from 'superjson'
import type { Codec } from '../../src/index.ts'
import { jsonCodec } from '../../src/index.ts'

/** Codecs made of other packages, as the documentation shows them. */
export const CODECS = {
  JSON: jsonCodec,
  devalue: { encode: stringify, decode: parse },
  superjson: { encode: superjson.stringify, decode: superjson.parse },
  'cbor-x': {
    encode: (value) => encode(value).toString('base64'),
    decode: (text) => decode(Buffer.from(text, 'base64')),
  },
} satisfies Record<string, Codec<unknown>>
