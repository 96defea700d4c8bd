import type { ListedSession } from '../src/index.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { layout } from './layout.ts'
import type { User } from './users.ts'
import type { Frame } from './visitor.ts'

/** A way in. */
export type Door = 'login' | 'signup'

/** What was wrong with the form, and the name that stood in it. */
export interface Problem {
  readonly name: string
  readonly text: string
}

const WORDS = {
  login: { title: 'Log in', question: 'New here?', other: 'signup', otherTitle: 'Sign up' },
  signup: { title: 'Sign up', question: 'Been here before?', other: 'login', otherTitle: 'Log in' },
} as const

const TIME = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
})

/** The form to log in or sign up. */
export function doorPage(door: Door, frame: Frame, problem?: Problem): string {
  const { title, question, other, otherTitle } = WORDS[door]
  return layout(
    title,
    frame,
    html`<section class="card narrow">
      <h1>${title}</h1>
      ${problem && html`<p class="problem" id="problem" role="alert">${problem.text}</p>`}
      <form method="post" action="/${door}">
        <label for="name">Name</label>
        <input
          id="name"
          name="name"
          value="${problem?.name}"
          autocomplete="username"
          autocapitalize="none"
          required
          maxlength="40"
          ${problem ? MARKED : html`autofocus`}
        />
        <label for="password">Password</label>
        ${passwordInput(door, problem)}
        <button>${title}</button>
      </form>
      <p class="quiet">
        ${question} <a href="/${other}">${otherTitle}</a>. What is in your cart comes along.
      </p>
    </section>`,
  )
}

const MARKED = html`aria-invalid="true" aria-describedby="problem"`

function passwordInput(door: Door, problem: Problem | undefined): Html {
  const marks = problem ? html`autofocus ${MARKED}` : html``
  if (door === 'login') {
    return html`<input
      id="password"
      name="password"
      type="password"
      autocomplete="current-password"
      required
      maxlength="200"
      ${marks}
    />`
  }
  return html`<input
    id="password"
    name="password"
    type="password"
    autocomplete="new-password"
    placeholder="At least 8 characters"
    required
    minlength="8"
    maxlength="200"
    ${marks}
  />`
}

/** The user's devices, and the ways out. */
export function accountPage(frame: Frame, user: User, devices: readonly ListedSession[]): string {
  return layout(
    'Your account',
    frame,
    html`<h1>Hello, ${user.name}</h1>
      <section class="card" aria-labelledby="devices-title">
        <h2 id="devices-title">Your devices</h2>
        <p class="quiet">Each is a session of yours. One that you do not know should go.</p>
        <ul class="devices">
          ${devices.map(deviceRow)}
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

function deviceRow({ handle, labels, createdAt, lastSeenAt, current }: ListedSession): Html {
  const label = labels['device'] ?? 'Unknown device'
  return html`<li>
    <div>
      <b>${label}</b> ${current && html`<span class="badge">this one</span>`}
      <p class="quiet">Since ${time(createdAt)}</p>
      <p class="quiet">Last seen ${current ? 'now' : time(lastSeenAt)}</p>
    </div>
    ${
      !current &&
      html`<form method="post" action="/devices/revoke">
        <button class="small danger" name="handle" value="${handle}" aria-label="Log out ${label}">
          Log it out
        </button>
      </form>`
    }
  </li>`
}

function time(date: Date): Html {
  return html`<time datetime="${date.toISOString()}">${TIME.format(date)} UTC</time>`
}
