import type { Handle } from '../../core/key.ts'
import { creationArguments, securityArguments } from './arguments.ts'
import { encodeText, indexNameOf, listedOf, parseHeader } from './record.ts'
import { ADMITTING_WHOLE, DELETE_SUBJECT_WHOLE, HEAL_WHOLE, LIST_WHOLE } from './subject-scripts.ts'
import { creationOf, limitArguments, securityOf } from './subjects.ts'
import type { Engine, SubjectOperations } from './subjects.ts'

// An id and the tokens of a record.
const LISTED_TOKENS = 18

/** The operations on one server, where a script reaches a record and its index together: each is one script. */
export function createWholeIndex({ keys, scripts, names }: Engine): SubjectOperations {
  return {
    async create(record, limit) {
      const { recordId, subject } = record
      const indexes = subject === null ? [] : [keys.index(indexNameOf(subject))]
      return creationOf(
        await scripts.run(
          ADMITTING_WHOLE.create,
          [keys.record(recordId), ...indexes],
          [keys.prefix, ...limitArguments(limit), ...creationArguments(record, names.next('s'))],
        ),
      )
    },

    async updateSecurity(recordId, change, securityVersion, limit) {
      const { subject } = change
      const indexes = typeof subject === 'string' ? [keys.index(indexNameOf(subject))] : []
      const bound = limitArguments(typeof subject === 'string' ? limit : undefined)
      const name = names.next('s')
      return securityOf(
        await scripts.runTimed(
          ADMITTING_WHOLE.secure,
          [keys.record(recordId), ...indexes],
          [keys.prefix, ...bound, ...securityArguments(recordId, change, securityVersion, name)],
        ),
      )
    },

    async list(subject) {
      const name = indexNameOf(subject)
      const args = [keys.prefix, encodeText(subject), name]
      const answer = await scripts.run(LIST_WHOLE, [keys.index(name)], args)
      return Array.from({ length: answer.length / LISTED_TOKENS }, (_, at) => {
        const [recordId, ...header] = answer.slice(at * LISTED_TOKENS, (at + 1) * LISTED_TOKENS)
        return listedOf(recordId as Handle, parseHeader(header.join(' ')))
      })
    },

    async deleteSubject(subject, except) {
      const args = [keys.prefix, encodeText(subject), except ?? '']
      const index = keys.index(indexNameOf(subject))
      const [count] = await scripts.run(DELETE_SUBJECT_WHOLE, [index], args)
      return Number(count)
    },

    async heal(indexKeys) {
      if (indexKeys.length > 0) await scripts.run(HEAL_WHOLE, indexKeys, [keys.prefix])
    },
  }
}
