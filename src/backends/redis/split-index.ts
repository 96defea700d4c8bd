import { BackendError } from '../../core/errors.ts'
import type { Handle } from '../../core/key.ts'
import type { ListedRecord, SubjectLimit } from '../../core/store.ts'
import { creationArguments, securityArguments, versionText } from './arguments.ts'
import { createSplitEntries, isDead } from './split-entries.ts'
import type { Seen } from './split-entries.ts'
import { encodeText, indexNameOf, listedOf } from './record.ts'
import { ADMITTING_APART, DELETE_IF_OWN } from './subject-scripts.ts'
import { creationOf, securityOf } from './subjects.ts'
import type { Engine, SubjectOperations } from './subjects.ts'

const DAY_MS = 86_400_000
// Longer than any policy lets a session live.
const LONGEST_LIFE_MS = 401 * DAY_MS
// A login that was entered earlier has ended, well or not.
const LATELY_MS = 60_000

/**
 * The operations in a cluster, where a subject's index is in another slot than most of its records. In this order:
 * the index entry, then the record; so a live record of the subject has an entry at all times, even when this
 * process dies in between. What is left in an index is taken out by whoever meets it. (docs/decisions/018)
 */
export function createSplitIndex(engine: Engine): SubjectOperations {
  const { keys, scripts, names } = engine
  const entries = createSplitEntries(engine)

  function own(seen: Seen, subject: string): boolean {
    return seen.header?.[12] === encodeText(subject)
  }

  /**
   * Ends the oldest of the subject's records beyond the bound. Of logins at once, whichever has its record last sees
   * all of them, so it looks after its step; and whoever looks goes by one order, so none ends what another keeps.
   */
  async function evict(subject: string, most: number): Promise<void> {
    const name = indexNameOf(subject)
    const seen = await entries.look(name, await entries.all(name))
    const live = seen.filter((each) => own(each, subject)).sort(byAge)
    const surplus = live.slice(0, Math.max(0, live.length - most))
    await Promise.all(surplus.map(async (each) => removeIfOwn(each.recordId, subject)))
    await entries.unlist(name, surplus)
    entries.drop(name, seen)
  }

  /** Deletes a record if it is the subject's. */
  async function removeIfOwn(recordId: Handle, subject: string) {
    const marked = [keys.record(recordId), keys.mark(recordId, indexNameOf(subject))]
    const answer = await scripts.run(DELETE_IF_OWN, marked, [encodeText(subject)])
    const [outcome, mark] = answer
    return { live: outcome === 'live', deleted: outcome !== 'other', mark: mark as string }
  }

  /** Runs a step that enters a record: the entry, the step, and what is to be done about the subject's others. */
  async function enterAnd<T extends { readonly ok: boolean }>(
    recordId: Handle,
    subject: string,
    lifeMs: number,
    limit: SubjectLimit | undefined,
    step: (recordKeys: readonly string[], enteredAt: string) => Promise<T>,
    excused: () => Promise<T | undefined | 'own'>,
  ): Promise<T | 'limit'> {
    const name = indexNameOf(subject)
    const evicts = limit?.atLimit === 'evict_oldest'
    const bound = evicts ? undefined : limit
    const admitted = await entries.enter(name, recordId, lifeMs, bound, excused)
    if ('refused' in admitted) return admitted.refused
    const { enteredAt, others } = admitted
    const marked = [keys.record(recordId), keys.mark(recordId, name)]
    const result = await step(marked, String(enteredAt))
    const most = limit?.maxPerSubject
    if (result.ok && evicts && most !== undefined) await evict(subject, most)
    // Housekeeping is nobody's to wait for, and whoever comes next does what has failed here.
    entries.tidy(name, result.ok ? others : [{ recordId, enteredAt }])
    return result
  }

  return {
    async create(record, limit) {
      const { recordId, subject } = record
      const args = creationArguments(record, names.next('s'))
      const create = async (recordKeys: readonly string[], enteredAt: string) =>
        creationOf(
          await scripts.run(ADMITTING_APART.create, recordKeys, [enteredAt, '', '', ...args]),
        )
      if (subject === null) return create([keys.record(recordId)], '')
      const lifeMs = Math.max(record.absoluteMs, 0) + DAY_MS
      const nobody = async () => undefined
      const result = await enterAnd(recordId, subject, lifeMs, limit, create, nobody)
      return result === 'limit' ? { ok: false, reason: 'limit' } : result
    },

    async updateSecurity(recordId, change, securityVersion, limit) {
      const { subject, authenticated } = change
      const args = securityArguments(recordId, change, securityVersion, names.next('s'))
      const secure = async (recordKeys: readonly string[], enteredAt: string) =>
        securityOf(
          await scripts.runTimed(ADMITTING_APART.secure, recordKeys, [enteredAt, '', '', ...args]),
        )
      const record = keys.record(recordId)
      if (typeof subject === 'string') {
        const lifeMs = authenticated === undefined ? LONGEST_LIFE_MS : authenticated.absoluteMs
        const excused = async () => {
          const { header } = await entries.probe(recordId, indexNameOf(subject))
          if (header === undefined) return { ok: false, reason: 'gone' } as const
          if (header[7] !== versionText(securityVersion)) {
            return { ok: false, reason: 'conflict' } as const
          }
          return header[12] === encodeText(subject) ? 'own' : undefined
        }
        const life = Math.max(lifeMs, 0) + DAY_MS
        const result = await enterAnd(recordId, subject, life, limit, secure, excused)
        return result === 'limit' ? { ok: false, reason: 'limit' } : result
      }
      if (authenticated !== undefined && subject === undefined) {
        // The record will live longer, and so must the index that has it.
        const { header } = await entries.probe(recordId, '')
        const name = header?.[13]
        if (name !== undefined && name !== '-') {
          const life = Math.max(authenticated.absoluteMs, 0) + DAY_MS
          const entered = await entries.enter(name, recordId, life, undefined, undefined)
          if ('enteredAt' in entered) {
            return secure([record, keys.mark(recordId, name)], String(entered.enteredAt))
          }
        }
      }
      return secure([record], '')
    },

    async list(subject) {
      const name = indexNameOf(subject)
      const seen = await entries.look(name, await entries.all(name))
      entries.drop(name, seen)
      return seen
        .filter((each) => own(each, subject))
        .map(({ recordId, header }): ListedRecord => listedOf(recordId, header ?? []))
        .sort((a, b) => a.createdAtMs - b.createdAtMs)
    },

    async deleteSubject(subject, except) {
      const name = indexNameOf(subject)
      const listed = (await entries.all(name)).filter(({ recordId }) => recordId !== except)
      const removed = await Promise.all(
        listed.map(async (entry) =>
          Object.assign(await removeIfOwn(entry.recordId, subject), entry),
        ),
      )
      await entries.unlist(
        name,
        removed.filter((each) => each.deleted || isDead(each, name)),
      )
      return removed.filter(({ live }) => live).length
    },

    async heal(indexKeys) {
      await Promise.all(
        indexKeys.map(async (key) => {
          const name = key.slice(keys.index('').length)
          if (name === '') throw new BackendError('not the key of an index')
          const seen = await entries.look(name, await entries.all(name))
          await entries.unlist(
            name,
            seen.filter((each) => isDead(each, name)),
          )
        }),
      )
    },
  }
}

/**
 * The order in which records are evicted: the oldest first, but those entered lately last and as they were entered,
 * as their masters may not agree on the time. So a login never ends itself, unless others have overtaken it.
 */
function byAge(a: Seen, b: Seen): number {
  const [aIsLate, bIsLate] = [a.ageMs < LATELY_MS, b.ageMs < LATELY_MS]
  if (aIsLate !== bIsLate) return aIsLate ? 1 : -1
  const older = aIsLate ? 0 : Number(a.header?.[5]) - Number(b.header?.[5])
  // Two of one millisecond go by their ids, as in the index.
  return older || a.enteredAt - b.enteredAt || (a.recordId < b.recordId ? -1 : 1)
}
