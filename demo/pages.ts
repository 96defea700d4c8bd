import type { SessionSummary } from '../src/index.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { cartCents, cartSize, PRODUCTS } from './shop.ts'
import type { Product, Visit } from './shop.ts'
import type { User } from './users.ts'

/** What every page shows. */
export interface Frame {
  readonly user: User | undefined
  readonly visit: Visit
  readonly flash?: string | undefined
}

/** A whole page. */
export function page(title: string, { user, visit, flash }: Frame, body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Sojourn Outfitters</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/styles.css" />
      </head>
      <body>
        <header>
          <a class="brand" href="/">Sojourn <span>Outfitters</span></a>
          <nav aria-label="Main">
            <a href="/#cart">Cart <b id="cart-size">${cartSize(visit)}</b></a>
            ${user === undefined ? html`<a href="/login">Log in</a>` : html`<a href="/account">${user.name}</a>`}
          </nav>
        </header>
        <main>
          ${flash !== undefined && html`<p class="flash" role="status">${flash}</p>`} ${body}
        </main>
        <footer>
          A demo of <b>Sojourn</b>, sessions for TypeScript servers. Open it in two tabs, and
          restart the server.
        </footer>
      </body>
    </html> `.html
}

/** The shop, the cart and the counter. */
export function shopPage(frame: Frame): string {
  const { visit } = frame
  return page(
    'Shop',
    frame,
    html`<h1>Gear for a short stay</h1>
      <ul class="products">
        ${PRODUCTS.map((product) => productCard(product))}
      </ul>
      <div class="columns">
        <section id="cart" aria-labelledby="cart-title">
          <h2 id="cart-title">Your cart</h2>
          ${cartSize(visit) === 0 ? html`<p class="quiet">Nothing in it yet.</p>` : cartTable(visit)}
        </section>
        <section aria-labelledby="count-title">
          <h2 id="count-title">Counter</h2>
          <p class="count" id="count">${visit.count}</p>
          <form method="post" action="/count"><button>Count one more</button></form>
          <p class="quiet">Click it in several tabs at once: each click counts.</p>
        </section>
      </div>`,
  )
}

function productCard({ id, name, about, cents }: Product): Html {
  return html`<li>
    <h2>${name}</h2>
    <p class="quiet">${about}</p>
    <p class="price">${price(cents)}</p>
    <form method="post" action="/cart/add">
      <button name="product" value="${id}" aria-label="Add ${name} to the cart">Add to cart</button>
    </form>
  </li>`
}

function cartTable(visit: Visit): Html {
  const rows = PRODUCTS.filter(({ id }) => visit.cart[id] !== undefined).map(
    ({ id, name, cents }) =>
      html`<tr>
        <td>${name}</td>
        <td class="many" data-product="${id}">${visit.cart[id]}</td>
        <td class="price">${price((visit.cart[id] ?? 0) * cents)}</td>
        <td>
          <form method="post" action="/cart/remove">
            <button class="small" name="product" value="${id}" aria-label="Remove one ${name}">
              Remove one
            </button>
          </form>
        </td>
      </tr>`,
  )
  return html`<table>
    <tbody>
      ${rows}
    </tbody>
    <tfoot>
      <tr>
        <th scope="row">Together</th>
        <td></td>
        <td class="price">${price(cartCents(visit))}</td>
        <td></td>
      </tr>
    </tfoot>
  </table>`
}

function price(cents: number): string {
  return `€ ${(cents / 100).toFixed(2)}`
}

/** The form to log in or sign up. */
export function doorPage(kind: 'login' | 'signup', frame: Frame, problem?: string): string {
  const [title, other, link] =
    kind === 'login'
      ? (['Log in', 'New here?', html`<a href="/signup">Sign up</a>`] as const)
      : (['Sign up', 'Been here before?', html`<a href="/login">Log in</a>`] as const)
  const hint = kind === 'login' ? 'current-password' : 'new-password'
  return page(
    title,
    frame,
    html`<section class="door">
      <h1>${title}</h1>
      ${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
      <form method="post" action="/${kind}">
        <label
          >Name <input name="name" autocomplete="username" required maxlength="40" autofocus
        /></label>
        <label
          >Password
          <input
            name="password"
            type="password"
            autocomplete="${hint}"
            required
            minlength="8"
            maxlength="200"
        /></label>
        <button>${title}</button>
      </form>
      <p class="quiet">${other} ${link}. What is in your cart comes along.</p>
    </section>`,
  )
}

/** The user's devices, and the ways out. */
export function accountPage(
  frame: Frame,
  devices: readonly SessionSummary[],
  here: string,
): string {
  return page(
    'Your account',
    frame,
    html`<h1>Hello, ${frame.user?.name}</h1>
      <section aria-labelledby="devices-title">
        <h2 id="devices-title">Your devices</h2>
        <ul class="devices">
          ${devices.map((device) => deviceRow(device, device.handle === here))}
        </ul>
      </section>
      <div class="ways-out">
        <form method="post" action="/logout"><button>Log out here</button></form>
        <form method="post" action="/logout-everywhere">
          <button class="danger">Log out everywhere</button>
        </form>
      </div>`,
  )
}

function deviceRow({ handle, labels, createdAt, lastSeenAt }: SessionSummary, here: boolean): Html {
  return html`<li>
    <div>
      <b>${labels['device'] ?? 'Unknown device'}</b>
      ${here && html`<span class="here">this one</span>`}
      <p class="quiet">Since ${time(createdAt)}, last seen ${time(lastSeenAt)}</p>
    </div>
    ${
      !here &&
      html`<form method="post" action="/devices/revoke">
        <button class="small danger" name="handle" value="${handle}">Log it out</button>
      </form>`
    }
  </li>`
}

function time(date: Date): Html {
  const iso = date.toISOString()
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`
}

/** A page that says what went wrong, without a session. */
export function noticePage(title: string, text: string): string {
  const nobody: Frame = { user: undefined, visit: { count: 0, cart: {} } }
  return page(
    title,
    nobody,
    html`<section class="door">
      <h1>${title}</h1>
      <p>${text}</p>
      <p><a href="/">To the shop</a></p>
    </section>`,
  )
}
