import { PRELUDE } from './record-scripts.ts'
import { scriptOf } from './scripts.ts'
import type { Script } from './scripts.ts'

// A subject's index is a sorted set: members are record ids, scores the server's time of entering.

const EXTEND = `
-- Lets an index live until a time at least.
local function extend(index, untilMs)
  local left = redis.call('PTTL', index)
  if left < 0 or now + left < untilMs then redis.call('PEXPIREAT', index, fmt(untilMs)) end
end
`

// Where records and indexes can be reached from one script. ARGV[1] is the prefix of all keys.
const WHOLE = `${EXTEND}
local function recordKey(id) return ARGV[1] .. '{' .. id .. '}' end
local function indexKey(name) return ARGV[1] .. 'subject:' .. name end

-- The subject's live records but one, oldest first.
local function others(index, subject, except)
  local found = {}
  for at, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local part = load(recordKey(id))
    if id ~= except and live(part) and part[SUBJECT] == subject then
      found[#found + 1] = { id = id, part = part, created = tonumber(part[CREATED]), at = at }
    end
  end
  table.sort(found, function(a, b)
    if a.created ~= b.created then return a.created < b.created end
    return a.at < b.at
  end)
  return found
end

-- Takes out those of some entries whose record is not the index's any more.
local function heal(index, name, ids)
  for _, id in ipairs(ids) do
    local part = load(recordKey(id))
    if not live(part) or part[INDEX] ~= name then redis.call('ZREM', index, id) end
  end
end
`

const ADMIT_WHOLE = `${WHOLE}
local rivals = {}
local function admit(id, subject, own)
  if string.sub(subject, 1, 1) ~= '=' or ARGV[2] == '' then return nil end
  rivals = others(KEYS[2], subject, id)
  if ARGV[3] == 'refuse' and not own and #rivals >= tonumber(ARGV[2]) then return 'limit' end
end

local function settle(id, part, old)
  if old and old ~= '-' and old ~= part[INDEX] then redis.call('ZREM', indexKey(old), id) end
  if part[INDEX] == '-' then return end
  local index = indexKey(part[INDEX])
  if old ~= part[INDEX] then
    redis.call('ZADD', index, stamp, id)
    local first = now % redis.call('ZCARD', index)
    heal(index, part[INDEX], redis.call('ZRANGE', index, fmt(first), fmt(first + 3)))
  end
  extend(index, tonumber(part[DEADLINE]) + 60000)
  if ARGV[3] ~= 'evict' then return end
  for at = 1, #rivals + 1 - tonumber(ARGV[2]) do
    redis.call('DEL', recordKey(rivals[at].id))
    redis.call('ZREM', index, rivals[at].id)
  end
end

local function ended() end
local function spent() return false end
`

// Where an index is in another slot. ARGV[1] is when the record was entered there, KEYS[2] the mark: that the step
// which was entered then has run. It outlives the ten minutes for which an entry without a record is left alone.
const ADMIT_APART = `
local function admit()
  if KEYS[2] and now - tonumber(ARGV[1]) > 60000 then return 'late' end
end

local function spent()
  local mark = KEYS[2] and redis.call('GET', KEYS[2])
  return mark and tonumber(mark) >= tonumber(ARGV[1])
end

local function ended()
  if KEYS[2] and not spent() then redis.pcall('SET', KEYS[2], ARGV[1], 'PX', 660000) end
end

local function settle() ended() end
`

// ARGV from 4 on: id, name of the write, idle, absolute, hash, authenticated, subject, index, labels, extra, body.
const CREATE = `
local id, name = ARGV[4], ARGV[5]
local old = load(KEYS[1])
if old then
  ended()
  if not done(old[WRITES], name) then return stamp .. ' exists' end
  return stamp .. ' ok ' .. old[CREATED] .. ' ' .. fmt(tonumber(old[EXPIRES]))
end
local refused = spent() and 'late' or admit(id, ARGV[10], false)
if refused then return stamp .. ' ' .. refused end
local deadline = now + tonumber(ARGV[7])
local expires = now + math.min(tonumber(ARGV[6]), tonumber(ARGV[7]))
if expires > now then
  local part = { '', '00000000000000000000', '1', '1', ARGV[6], stamp, fmt(deadline), '1', ARGV[8], '-', '-',
    ARGV[9] == '1' and stamp or '-', ARGV[10], ARGV[11], ARGV[12], ARGV[13], note('', name, '1') }
  save(KEYS[1], part, ARGV[14], expires)
  settle(id, part, nil)
else
  ended()
end
return stamp .. ' ok ' .. stamp .. ' ' .. fmt(expires)
`

// ARGV from 4 on: id, name of the write, securityVersion, and then, '' for what stays: hash, previous, grace, subject,
// index, labels, extra, absolute.
const SECURE = `
local id, name = ARGV[4], ARGV[5]
local function answer(part, version)
  return stamp .. ' ok ' .. version .. ' ' .. fmt(tonumber(part[EXPIRES])) .. ' ' .. part[PROVED]
end
local part, ends = load(KEYS[1])
if not live(part) then
  ended()
  return stamp .. ' gone'
end
local before = done(part[WRITES], name)
if before then return answer(part, before) end
if part[SECURITY] ~= ARGV[6] then
  ended()
  return stamp .. ' conflict'
end
local refused = admit(id, ARGV[10], part[SUBJECT] == ARGV[10])
if refused then return stamp .. ' ' .. refused end
local old = part[INDEX]
if ARGV[7] ~= '' then part[HASH] = ARGV[7] end
if ARGV[8] ~= '' then
  part[PREVIOUS], part[UNTIL] = ARGV[8], '-'
  if ARGV[9] ~= '-' then
    local grace = tonumber(ARGV[9])
    part[UNTIL] = grace > 0 and fmt(now + grace) or '0'
  end
end
if ARGV[10] ~= '' then part[SUBJECT], part[INDEX] = ARGV[10], ARGV[11] end
if ARGV[12] ~= '' then part[LABELS] = ARGV[12] end
if ARGV[13] ~= '' then part[EXTRA] = ARGV[13] end
local expires = tonumber(part[EXPIRES])
if ARGV[14] ~= '' then
  part[PROVED] = stamp
  part[DEADLINE] = fmt(now + tonumber(ARGV[14]))
  expires = math.min(now + tonumber(part[IDLE]), tonumber(part[DEADLINE]))
end
part[SECURITY] = fmt(tonumber(part[SECURITY]) + 1)
part[WRITES] = note(part[WRITES], name, part[SECURITY])
save(KEYS[1], part, redis.call('GETRANGE', KEYS[1], ends, -1), expires)
part[EXPIRES] = fmt(expires)
settle(id, part, old)
return answer(part, part[SECURITY])
`

/** The two scripts that may enter a record into an index, for either way to reach it. */
export interface AdmittingScripts {
  readonly create: Script
  readonly secure: Script
}

/** KEYS: record, index of the subject it is to have. ARGV[1..3]: prefix, most or '', `refuse` or `evict`. */
export const ADMITTING_WHOLE: AdmittingScripts = {
  create: scriptOf(`${PRELUDE}${ADMIT_WHOLE}${CREATE}`),
  secure: scriptOf(`${PRELUDE}${ADMIT_WHOLE}${SECURE}`),
}

/** KEYS: record, mark. ARGV[1..3]: when it was entered, '', ''. */
export const ADMITTING_APART: AdmittingScripts = {
  create: scriptOf(`${PRELUDE}${ADMIT_APART}${CREATE}`),
  secure: scriptOf(`${PRELUDE}${ADMIT_APART}${SECURE}`),
}

/** KEYS: index. ARGV: prefix, subject, name of the index. Each live record's id and tokens. */
export const LIST_WHOLE: Script = scriptOf(`${PRELUDE}${WHOLE}
local answer = { stamp }
local found = others(KEYS[1], ARGV[2], '')
for _, rival in ipairs(found) do
  answer[#answer + 1] = rival.id
  answer[#answer + 1] = table.concat(rival.part, ' ')
end
if #found < redis.call('ZCARD', KEYS[1]) then heal(KEYS[1], ARGV[3], redis.call('ZRANGE', KEYS[1], 0, -1)) end
return table.concat(answer, ' ')
`)

/** KEYS: index. ARGV: prefix, subject, id to spare or ''. How many live records it deleted. */
export const DELETE_SUBJECT_WHOLE: Script = scriptOf(`${PRELUDE}${WHOLE}
local count = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local part = load(recordKey(id))
  local own = part and part[SUBJECT] == ARGV[2]
  if own and id ~= ARGV[3] then
    redis.call('DEL', recordKey(id))
    if live(part) then count = count + 1 end
  end
  if not own or id ~= ARGV[3] then redis.call('ZREM', KEYS[1], id) end
end
return stamp .. ' ' .. count
`)

/** KEYS: indexes. ARGV: prefix. Takes out of each what is dead in it. */
export const HEAL_WHOLE: Script = scriptOf(`${PRELUDE}${WHOLE}
for _, index in ipairs(KEYS) do
  heal(index, string.sub(index, #indexKey('') + 1), redis.call('ZRANGE', index, 0, -1))
end
return stamp
`)

const ENTRIES = `
local function entries(first, last)
  return table.concat(redis.call('ZRANGE', KEYS[1], fmt(first), fmt(last), 'WITHSCORES'), ' ')
end
`

/**
 * KEYS: index. ARGV: id, most or '', `refuse` or `evict`, for how long from now the index is needed. Enters the
 * record, and tells when: later than it was entered before, and than the others. `full`: nothing was entered. Then
 * entries: all of them where there is a bound, else a few to look after.
 */
export const ENTER: Script = scriptOf(`${PRELUDE}${EXTEND}${ENTRIES}
local count = redis.call('ZCARD', KEYS[1])
local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
local first = count > 0 and now % count or 0
local shown = ARGV[2] == '' and entries(first, first + 3) or entries(0, -1)
if ARGV[2] ~= '' and ARGV[3] == 'refuse' and count - (before and 1 or 0) >= tonumber(ARGV[2]) then
  return stamp .. ' full - ' .. shown
end
local entered = math.max(now, before and tonumber(before) + 1 or 0)
-- Of two that enter in one millisecond the later one is the younger, so that no login counts as older than what it ends.
-- A time that is far ahead is one of a clock that was wrong.
local latest = tonumber(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
if latest and latest >= entered and latest - now < 60000 then entered = latest + 1 end
redis.call('ZADD', KEYS[1], fmt(entered), ARGV[1])
extend(KEYS[1], now + tonumber(ARGV[4]))
return stamp .. ' entered ' .. fmt(entered) .. ' ' .. shown
`)

/** KEYS: index. All its entries: ids and when they were entered. */
export const LIST_ENTRIES: Script = scriptOf(`${PRELUDE}${ENTRIES}
return stamp .. ' ' .. entries(0, -1)
`)

/** KEYS: index. ARGV: ids and when they were entered. Takes out those that have not been entered again. */
export const UNLIST: Script = scriptOf(`${PRELUDE}
for at = 1, #ARGV, 2 do
  local entered = redis.call('ZSCORE', KEYS[1], ARGV[at])
  if entered and tonumber(entered) == tonumber(ARGV[at + 1]) then redis.call('ZREM', KEYS[1], ARGV[at]) end
end
return stamp
`)

/** KEYS: record, mark. ARGV: subject. Deletes the record if it is the subject's: `live`, `dead`, `other`; the mark. */
export const DELETE_IF_OWN: Script = scriptOf(`${PRELUDE}
local mark = redis.call('GET', KEYS[2]) or '-'
local part = load(KEYS[1])
if not part or part[SUBJECT] ~= ARGV[1] then return stamp .. ' other ' .. mark end
redis.call('DEL', KEYS[1])
return stamp .. (live(part) and ' live ' or ' dead ') .. mark
`)
