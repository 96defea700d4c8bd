import { scriptOf } from './scripts.ts'
import type { Script } from './scripts.ts'

/**
 * What every script begins with: the server's time, and the record's tokens by name (`record.ts` says what they are).
 * Times are whole milliseconds, which a Lua number holds exactly; `fmt` writes them without an exponent. A script
 * that stores a record does that first: Redis refuses it at `maxmemory`, and then nothing has been changed yet.
 */
export const PRELUDE = `
local EXPIRES, TOUCHED, FORMAT, VERSION, IDLE, CREATED, DEADLINE, SECURITY, HASH, PREVIOUS, UNTIL, PROVED, SUBJECT,
  INDEX, LABELS, EXTRA, WRITES = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
local function fmt(number) return string.format('%.0f', number) end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local stamp = fmt(now)

-- The tokens of the record under a key, and at which byte they end; nil when there is none.
local function load(key)
  local text = redis.call('GETRANGE', key, 0, 1023)
  if text == '' then return nil end
  local ends = string.find(text, '\\n', 1, true)
  if not ends then
    text = redis.call('GET', key)
    ends = string.find(text, '\\n', 1, true) or 1
  end
  local part = {}
  for token in string.gmatch(string.sub(text, 1, ends - 1), '%S+') do part[#part + 1] = token end
  if #part ~= 17 or part[FORMAT] ~= '1' then
    error('a key in Redis holds no record that this version can read')
  end
  return part, ends
end

local function live(part) return part and tonumber(part[EXPIRES]) > now end

local function authorised(part, hash)
  if part[HASH] == hash then return true end
  return part[PREVIOUS] == hash and (part[UNTIL] == '-' or tonumber(part[UNTIL]) > now)
end

-- What this very write did when it ran before, if it is sent again because its answer was lost.
local function done(part, writer, serial)
  return string.match(',' .. part[WRITES], ',' .. writer .. ':' .. serial .. ':(%d+):')
end

-- Keeps a write in mind: the last one of each writer, for a minute, eight of them.
local function note(part, writer, serial, result)
  local kept = { writer .. ':' .. serial .. ':' .. result .. ':' .. stamp }
  for item, who, at in string.gmatch(part[WRITES], '((%w+):%w+:%d+:(%d+))') do
    if who ~= writer and tonumber(at) > now - 60000 and #kept < 8 then kept[#kept + 1] = item end
  end
  part[WRITES] = table.concat(kept, ',')
end

-- Stores a record until its expiry; one that is over is deleted. Redis ends a key after the moment it is given.
local function save(key, part, body, expires)
  if expires <= now then
    redis.call('DEL', key)
    return
  end
  part[EXPIRES] = string.format('%016.0f', expires)
  redis.call('SET', key, table.concat(part, ' ') .. '\\n' .. body)
  redis.call('PEXPIREAT', key, fmt(expires - 1))
end
`

/** KEYS: record. ARGV: hash, writer, serial, version or '', idle or '', body or ''. */
export const UPDATE: Script = scriptOf(`${PRELUDE}
local part, ends = load(KEYS[1])
if not live(part) then return stamp .. ' gone' end
local before = done(part, ARGV[2], ARGV[3])
if before then return stamp .. ' ok ' .. before .. ' ' .. fmt(tonumber(part[EXPIRES])) end
if not authorised(part, ARGV[1]) then return stamp .. ' gone' end
if ARGV[4] ~= '' and ARGV[4] ~= part[VERSION] then return stamp .. ' conflict' end
if ARGV[5] ~= '' then part[IDLE] = ARGV[5] end
local body = ARGV[6]
if body == '' then
  body = redis.call('GETRANGE', KEYS[1], ends, -1)
else
  part[VERSION] = fmt(tonumber(part[VERSION]) + 1)
end
local expires = math.min(now + tonumber(part[IDLE]), tonumber(part[DEADLINE]))
note(part, ARGV[2], ARGV[3], part[VERSION])
save(KEYS[1], part, body, expires)
return stamp .. ' ok ' .. part[VERSION] .. ' ' .. fmt(expires)
`)

/** KEYS: record. ARGV: hash, name of this touch, from, to. Writes the first two tokens in place. */
export const TOUCH: Script = scriptOf(`${PRELUDE}
local part = load(KEYS[1])
if not live(part) then return stamp .. ' 0' end
if part[TOUCHED] == ARGV[2] then return stamp .. ' 1' end
if not authorised(part, ARGV[1]) or tonumber(part[EXPIRES]) ~= tonumber(ARGV[3]) then return stamp .. ' 0' end
local expires = math.min(tonumber(ARGV[4]), tonumber(part[DEADLINE]))
if expires <= now then
  redis.call('DEL', KEYS[1])
else
  redis.call('SETRANGE', KEYS[1], 0, string.format('%016.0f', expires) .. ' ' .. ARGV[2])
  redis.call('PEXPIREAT', KEYS[1], fmt(expires - 1))
end
return stamp .. ' 1'
`)

/** KEYS: record. ARGV: hash or '', id, prefix of the index where it can be reached from here or ''. */
export const DELETE: Script = scriptOf(`${PRELUDE}
local part = load(KEYS[1])
if not part then return stamp .. ' 0' end
local hash = ARGV[1]
if hash ~= '' and part[HASH] ~= hash and part[PREVIOUS] ~= hash then return stamp .. ' 0' end
redis.call('DEL', KEYS[1])
if ARGV[3] ~= '' and part[INDEX] ~= '-' then redis.call('ZREM', ARGV[3] .. part[INDEX], ARGV[2]) end
return stamp .. (live(part) and ' 1' or ' 0')
`)

/** KEYS: record, mark or none. The mark or '-', then the record's tokens, if it is live. */
export const PROBE: Script = scriptOf(`${PRELUDE}
local mark = KEYS[2] and redis.call('GET', KEYS[2]) or '-'
local part = load(KEYS[1])
if not live(part) then return stamp .. ' ' .. mark end
return stamp .. ' ' .. mark .. ' ' .. table.concat(part, ' ')
`)
