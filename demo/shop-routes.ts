import { seeOther } from './answer.ts'
import type { Answer, Exchange, Route } from './answer.ts'
import { shopPage } from './shop-pages.ts'
import { FIRST_VISIT, withProduct } from './shop.ts'
import type { Users } from './users.ts'
import { frameOf } from './visitor.ts'

/** The shop, the cart and the counter: for everybody, logged in or not. */
export function shopRoutes(users: Users): Readonly<Record<string, Route>> {
  return {
    'GET /': async ({ session }) => ({ page: shopPage(await frameOf(session, users)) }),
    'POST /count': async ({ session }) => {
      await session.update((visit = FIRST_VISIT) => ({ ...visit, count: visit.count + 1 }))
      return seeOther('/#count')
    },
    'POST /cart/add': (exchange) => changeCart(exchange, 1),
    'POST /cart/remove': (exchange) => changeCart(exchange, -1),
  }
}

/** Two tabs may do this at once: `update` writes on the cart as it is then, so that neither is lost. */
async function changeCart({ session, fields }: Exchange, step: 1 | -1): Promise<Answer> {
  const product = fields.get('product') ?? ''
  await session.update((visit = FIRST_VISIT) => withProduct(visit, product, step))
  return seeOther('/#cart')
}
