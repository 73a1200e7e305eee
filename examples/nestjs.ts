/**
 * The gate in NestJS on Express: one `app.use()` before the app listens. The decorators are called
 * as functions, so that this file needs no compiler option.
 */
import 'reflect-metadata'
import { Controller, Get, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Request } from 'express'
import { oauthModule } from 'oauth-module'
import { announce, chooseProvider, greeting, port } from './support/provider.js'

class Pages {
  home(req: Request): string {
    return greeting(req.oauth)
  }
}
Controller()(Pages)
Get('{*path}')(
  Pages.prototype,
  'home',
  Object.getOwnPropertyDescriptor(Pages.prototype, 'home') ?? {},
)
Req()(Pages.prototype, 'home', 0)

class App {}

const app = await NestFactory.create(
  { module: App, controllers: [Pages] },
  { logger: ['error', 'warn'] },
)
app.use(oauthModule({ provider: await chooseProvider() }))
await app.listen(port, '127.0.0.1')
announce(Number(new URL(await app.getUrl()).port))
