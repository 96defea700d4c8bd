import { html } from './html.ts'
import type { Html } from './html.ts'
import type { Product } from './shop.ts'

const STROKES: Readonly<Record<Product['id'], Html>> = {
  lantern: html`<path
    d="M32 5v8M25 13h14M25 13c-9 7-12 14-12 20s3 13 12 20h14c9-7 12-14 12-20s-3-13-12-20M25 53v6h14v-6M14 27h36M14 40h36"
  />`,
  tent: html`<path d="M6 54h52L32 12zM28 6l4 6 4-6M32 26 21 54M32 26l11 28M32 26v28" />`,
  kettle: html`<path
    d="M18 26h28c5 7 7 15 7 24a6 6 0 0 1-6 6H17a6 6 0 0 1-6-6c0-9 2-17 7-24zM51 38l8-8M24 26a8 6 0 0 1 16 0M32 20v-4M17 26C15 6 49 6 47 26"
  />`,
}

/** A drawing of a product, for the eye alone: its name stands beside it. */
export function pictureOf(id: Product['id']): Html {
  return html`<svg class="picture" viewBox="0 0 64 64" aria-hidden="true">${STROKES[id]}</svg>`
}
