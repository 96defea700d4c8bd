/** What a session of the demo holds. */
export interface Visit {
  readonly count: number
  /** How many of each product, by its id. */
  readonly cart: Readonly<Record<string, number>>
  /** Said once, on the next page. */
  readonly flash?: string
}

/** Something to put in the cart. */
export interface Product {
  readonly id: 'lantern' | 'tent' | 'kettle'
  readonly name: string
  readonly about: string
  readonly cents: number
}

/** The session of someone who has just come. */
export const FIRST_VISIT: Visit = { count: 0, cart: {} }

/** All there is to buy. */
export const PRODUCTS: readonly Product[] = [
  { id: 'lantern', name: 'Paper lantern', about: 'Light for one evening', cents: 1400 },
  { id: 'tent', name: 'Two-person tent', about: 'Up in four minutes', cents: 18900 },
  { id: 'kettle', name: 'Camp kettle', about: 'Whistles in G', cents: 3200 },
]

const MOST = 999

/** The visit with one more or one fewer of a product; the same visit when there is no such product. */
export function withProduct(visit: Visit, id: string, step: 1 | -1): Visit {
  if (!PRODUCTS.some((product) => product.id === id)) return visit
  const { [id]: before = 0, ...others } = visit.cart
  const many = Math.min(before + step, MOST)
  return { ...visit, cart: many > 0 ? { ...others, [id]: many } : others }
}

/** How many things are in the cart. */
export function cartSize({ cart }: Visit): number {
  return Object.values(cart).reduce((sum, many) => sum + many, 0)
}

/** What they cost together. */
export function cartCents({ cart }: Visit): number {
  return PRODUCTS.reduce((sum, { id, cents }) => sum + (cart[id] ?? 0) * cents, 0)
}
