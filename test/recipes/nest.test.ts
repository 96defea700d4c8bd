import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { beforeAll, expect, it, afterAll } from 'vitest'
import { AppModule } from '../../examples/nest/app.ts'

const app = await NestFactory.create(AppModule, { logger: false })
let origin = ''

beforeAll(async () => {
  await app.listen(0, '127.0.0.1')
  origin = await app.getUrl()
})

afterAll(() => app.close())

it('gives handlers their session by Nest’s own decorator', async () => {
  const first = await fetch(`${origin}/cart`, { method: 'POST' })
  expect(await first.json()).toStrictEqual(['tea'])
  const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const second = await fetch(`${origin}/cart`, { method: 'POST', headers: { cookie } })
  expect(await second.json()).toStrictEqual(['tea', 'tea'])
  const cart = await fetch(`${origin}/cart`, { headers: { cookie } })
  expect(await cart.json()).toStrictEqual(['tea', 'tea'])
  expect(cart.headers.get('vary')).toContain('Cookie')
})

it('says nothing where the session is not used', async () => {
  const { headers } = await fetch(`${origin}/`)
  expect(headers.getSetCookie()).toStrictEqual([])
  expect(headers.get('vary')).toBeNull()
})
