import type { Browser, BrowserContext, BrowserContextOptions, Cookie, Page } from 'playwright-core'

/** Somebody at a browser of their own. */
export interface Person {
  readonly name: string
  readonly context: BrowserContext
  /** A tab that shows their account. */
  readonly page: Page
}

const PASSWORD = 'correct horse battery'
let people = 0

/** Opens a new browser profile in which somebody new signs up. */
export function signUp(
  browser: Browser,
  origin: string,
  options?: BrowserContextOptions,
): Promise<Person> {
  return enter(browser, `${origin}/signup`, `person ${++people}`, 'Sign up', options)
}

/** Opens a new browser profile in which `name` logs in. */
export function logIn(
  browser: Browser,
  origin: string,
  name: string,
  options?: BrowserContextOptions,
): Promise<Person> {
  return enter(browser, `${origin}/login`, name, 'Log in', options)
}

async function enter(
  browser: Browser,
  door: string,
  name: string,
  button: string,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  await page.goto(door)
  await passDoor(page, name, button)
  return { name, context, page }
}

/** Fills in the form that the page shows, and waits for the account. */
export async function passDoor(page: Page, name: string, button: string): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(PASSWORD)
  await click(page, button)
  await page.getByRole('heading', { name: `Hello, ${name}` }).waitFor()
}

/** Clicks the button with exactly this name. */
export async function click(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
}

/** The number that an element shows. */
export async function numberIn(page: Page, selector: string): Promise<number> {
  return Number(await page.locator(selector).textContent())
}

/** The session cookie of a profile. */
export async function sessionCookie(context: BrowserContext): Promise<Cookie | undefined> {
  return (await context.cookies()).find(({ name }) => name === '__Host-session')
}
