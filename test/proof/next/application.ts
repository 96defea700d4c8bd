// An application of Next.js with what docs/frameworks.md says of it: a component that reads, actions that write.

/** Its files, beside `lib`, where the recipes are. */
export const FILES: Readonly<Record<string, string>> = {
  'next.config.mjs': `export default { turbopack: { root: import.meta.dirname } }`,

  'app/layout.tsx': `import type { ReactNode } from 'react'
export default function Layout({ children }: { children: ReactNode }) {
  return <html><body>{children}</body></html>
}`,

  'app/cart/route.ts': `export { GET, POST } from '../../lib/next-route'`,

  'app/actions.ts': `'use server'
import { cookies } from 'next/headers'
import { redirect } from 'next/navigation'
import { addTea, inAction } from '../lib/next-actions'
export async function add() {
  await addTea(await cookies())
}
export async function go() {
  await inAction(await cookies(), async (session) => {
    await session.update((cart) => ({ items: [...(cart?.items ?? []), 'milk'] }))
    redirect('/')
  })
}
export async function out() {
  await inAction(await cookies(), (session) => session.clear())
}
export async function nothing() {
  await inAction(await cookies(), async () => {})
}`,

  'app/page.tsx': `import { headers } from 'next/headers'
import { readItems } from '../lib/next-route'
import { add, go, nothing, out } from './actions'
export default async function Page() {
  const text = JSON.stringify(await readItems(await headers()))
  return <main>
    <p id="items" data-items={text} />
    <form id="add" action={add} />
    <form id="go" action={go} />
    <form id="out" action={out} />
    <form id="nothing" action={nothing} />
  </main>
}`,

  'app/wrong/page.tsx': `import { cookies } from 'next/headers'
import { addTea } from '../../lib/next-actions'
export default async function Page() {
  await addTea(await cookies())
  return <p>a component has written</p>
}`,
}
