import { describe } from 'vitest'
import { answerCases } from './http-suite/answer-cases.ts'
import type { Traits } from './http-suite/answer-cases.ts'
import { faultCases } from './http-suite/fault-cases.ts'
import { lateCases } from './http-suite/late-cases.ts'
import { ownerCases } from './http-suite/owner-cases.ts'
import { parallelCases } from './http-suite/parallel-cases.ts'
import { readCases } from './http-suite/read-cases.ts'
import { sealedCases } from './http-suite/sealed-cases.ts'
import { writeCases } from './http-suite/write-cases.ts'
import type { Serve } from './servers/exchange.ts'

/** What a session does on real requests, whatever adapter and server bring them. */
export function httpSuite(name: string, serve: Serve, traits: Traits = { onThrow: 'kept' }): void {
  describe(name, () => {
    describe('kinds of answers', () => {
      answerCases(serve, traits)
    })
    describe('reading', () => {
      readCases(serve)
    })
    describe('writing', () => {
      writeCases(serve)
    })
    describe('in parallel', () => {
      parallelCases(serve)
    })
    describe('owners and keys', () => {
      ownerCases(serve)
    })
    describe('faults of the store', () => {
      faultCases(serve)
    })
    describe('sealed into cookies', () => {
      sealedCases(serve)
    })
    describe('after the headers', () => {
      lateCases(serve)
    })
  })
}
