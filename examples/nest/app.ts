// NestJS on Express: the middleware before all routes, and Nest's own decorator for the session.
import { Controller, Get, Module, Post, Session } from '@nestjs/common'
import type { MiddlewareConsumer, NestModule } from '@nestjs/common'
import { createExpressAdapter } from '../../src/adapters/express.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager } from '../../src/index.ts'
import type { RequestSessionOf } from '../../src/index.ts'

const sessions = createSessionManager<{ items: string[] }>({ backend: createMemoryBackend() })

type CartSession = RequestSessionOf<typeof sessions>

@Controller()
class CartController {
  @Get()
  hello(): string {
    return 'hello'
  }

  @Get('cart')
  async show(@Session() session: CartSession): Promise<readonly string[]> {
    return (await session.load())?.value.items ?? []
  }

  @Post('cart')
  async add(@Session() session: CartSession): Promise<readonly string[]> {
    const cart = await session.update((value) => ({ items: [...(value?.items ?? []), 'tea'] }))
    return cart?.items ?? []
  }
}

/** A shop with one cart for each browser. */
@Module({ controllers: [CartController] })
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(createExpressAdapter(sessions)).forRoutes('{*path}')
  }
}
