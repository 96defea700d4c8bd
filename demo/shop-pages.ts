import { html } from './html.ts'
import type { Html } from './html.ts'
import { layout } from './layout.ts'
import { pictureOf } from './pictures.ts'
import { cartCents, cartSize, PRODUCTS } from './shop.ts'
import type { Product, Visit } from './shop.ts'
import type { Frame } from './visitor.ts'

const EUROS = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' })

/** The shop, the cart and the counter. */
export function shopPage(frame: Frame): string {
  const { visit } = frame
  return layout(
    'Shop',
    frame,
    html`<h1>Gear for a short stay</h1>
      <p class="lead">Three things to carry, and one session to carry them in.</p>
      <ul class="products">
        ${PRODUCTS.map((product) => productCard(product))}
      </ul>
      <div class="columns">
        <section class="card" id="cart" aria-labelledby="cart-title">
          <h2 id="cart-title">Your cart</h2>
          ${cartSize(visit) === 0 ? html`<p class="quiet">Nothing in it yet.</p>` : cartList(visit)}
        </section>
        <section class="card" aria-labelledby="count-title">
          <h2 id="count-title">Counter</h2>
          <p class="count" id="count">${visit.count}</p>
          <form method="post" action="/count"><button>Count one more</button></form>
        </section>
        ${TRY}
      </div>`,
  )
}

const TRY = html`<section class="card try" aria-labelledby="try-title">
  <h2 id="try-title">Try to lose something</h2>
  <ol>
    <li>Open this page in a second tab and click in both: every click counts.</li>
    <li>Stop the server, start it again, reload: nothing has changed.</li>
    <li>Log in here and in another browser, and log one out from the other.</li>
    <li>Log out, then go back: the pages of before are gone.</li>
  </ol>
</section>`

function productCard({ id, name, about, cents }: Product): Html {
  return html`<li class="card">
    ${pictureOf(id)}
    <h2>${name}</h2>
    <p class="quiet">${about}</p>
    <form method="post" action="/cart/add">
      <span class="price">${EUROS.format(cents / 100)}</span>
      <button name="product" value="${id}" aria-label="Add ${name} to the cart">Add to cart</button>
    </form>
  </li>`
}

function cartList(visit: Visit): Html {
  return html`<ul class="cart">
      ${PRODUCTS.map((product) => cartRow(product, visit.cart[product.id] ?? 0))}
    </ul>
    <p class="total">
      Together <span class="price" id="total">${EUROS.format(cartCents(visit) / 100)}</span>
    </p>`
}

function cartRow({ id, name, cents }: Product, many: number): Html {
  if (many === 0) return html``
  return html`<li>
    <span class="what">${name}</span>
    <div class="stepper">
      ${step('remove', id, `Remove one ${name}`, '−')}
      <span data-product="${id}">${many}</span>
      ${step('add', id, `Add one ${name}`, '+')}
    </div>
    <span class="price">${EUROS.format((many * cents) / 100)}</span>
  </li>`
}

function step(what: 'add' | 'remove', id: string, label: string, sign: string): Html {
  return html`<form method="post" action="/cart/${what}">
    <button name="product" value="${id}" aria-label="${label}">${sign}</button>
  </form>`
}
