import { html } from './html.ts'
import type { Html } from './html.ts'
import { cartSize } from './shop.ts'
import type { Frame } from './visitor.ts'

/** A whole page. Without a frame it shows nothing of the visitor, and no session has to be read for it. */
export function layout(title: string, frame: Frame | undefined, body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Sojourn Outfitters</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/styles.css" />
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        <header>
          <a class="brand" href="/">Sojourn <span>Outfitters</span></a>
          ${frame !== undefined && navigation(frame)}
        </header>
        <main id="main">
          ${frame?.flash !== undefined && html`<p class="flash" role="status">${frame.flash}</p>`}
          ${body}
        </main>
        <footer>
          A demo of <b>Sojourn</b>, server-side sessions for TypeScript. Plain HTML, no script, no
          framework.
        </footer>
      </body>
    </html> `.html
}

function navigation({ user, visit }: Frame): Html {
  const size = cartSize(visit)
  return html`<nav aria-label="Main">
    <a href="/#cart">
      Cart <b class="badge" id="cart-size">${size}</b>
      <span class="unseen">${size === 1 ? 'item' : 'items'}</span>
    </a>
    ${
      user === undefined
        ? html`<a href="/login">Log in</a>`
        : html`<a class="name" href="/account">${user.name}</a>
            <form method="post" action="/logout"><button class="link">Log out</button></form>`
    }
  </nav>`
}

/** A page that says what has gone wrong. */
export function noticePage(title: string, text: string): string {
  return layout(
    title,
    undefined,
    html`<section class="card narrow">
      <h1>${title}</h1>
      <p>${text}</p>
      <p><a href="/">To the shop</a></p>
    </section>`,
  )
}
