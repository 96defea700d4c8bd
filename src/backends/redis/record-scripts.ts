import { scriptOf } from './scripts.ts'
import type { Script } from './scripts.ts'

// A record's 17 tokens, and the place after them.
const HEADER = `^${'(%S+) '.repeat(16)}(%S+)\\n()`

// Of a write, a record keeps `writer:serial:result:when`. Nothing else in there is as long as the name of a writer.
const BEGINNING = `
local find, match, sub = string.find, string.match, string.sub
local format = string.format
-- Whole numbers as digits. '%d' takes a third of the time, where a long of C has 64 bits.
local long = format('%d', 2 ^ 40) == '1099511627776'
local PLAIN, PADDED = long and '%d' or '%.0f', long and '%016d' or '%016.0f'
local function fmt(number) return format(PLAIN, number) end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local stamp = fmt(now)

local function unreadable() error('a key in Redis holds no record that this version can read') end

-- What this very write did when it ran before, if it is sent again because its answer was lost.
local function done(writes, name)
  local at = find(writes, name, 1, true)
  return at and match(writes, '^%d+', at + #name)
end

-- Keeps a write in mind: the last one of each writer, for a minute, eight of them, the latest first.
local function note(writes, name, result)
  local writer = sub(name, 1, find(name, ':', 1, true))
  local kept, count, from = name .. result .. ':' .. stamp, 1, 1
  while from < #writes and count < 8 do
    local past = find(writes, ',', from, true) or #writes + 1
    if sub(writes, from, from + #writer - 1) ~= writer then
      -- The end of an item is a time: 13 digits, from 2001 to 2286.
      if (tonumber(sub(writes, past - 13, past - 1)) or 0) > now - 60000 then
        kept, count = kept .. ',' .. sub(writes, from, past - 1), count + 1
      end
    end
    from = past + 1
  end
  return kept
end

-- Stores a text until its expiry; one that is over is deleted. Redis ends a key after the moment it is given.
local function store(key, text, expires)
  if expires <= now then
    redis.call('DEL', key)
  else
    redis.call('SET', key, text, 'PXAT', fmt(expires - 1))
  end
end
`

/**
 * What scripts begin with: the server's time, and the record's tokens by name (`record.ts` says what they are). Times
 * are whole milliseconds, which a Lua number holds exactly; `fmt` writes them without an exponent. A script that
 * stores a record does that first: Redis refuses it at `maxmemory`, and then nothing has been changed yet.
 */
export const PRELUDE: string = `${BEGINNING}
local EXPIRES, TOUCHED, FORMAT, VERSION, IDLE, CREATED, DEADLINE, SECURITY, HASH, PREVIOUS, UNTIL, PROVED, SUBJECT,
  INDEX, LABELS, EXTRA, WRITES = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17

-- The tokens of the record under a key, and at which byte they end; nil when there is none.
local function load(key)
  local text = redis.call('GETRANGE', key, 0, 1023)
  if text == '' then return nil end
  -- One match for all of them: going through them one by one takes twice as long.
  local part = { match(text, '${HEADER}') }
  if not part[18] then part = { match(redis.call('GET', key), '${HEADER}') } end
  if part[FORMAT] ~= '1' then unreadable() end
  return part, table.remove(part) - 1
end

local function live(part) return part and tonumber(part[EXPIRES]) > now end

local function save(key, part, body, expires)
  part[EXPIRES] = format(PADDED, expires)
  store(key, table.concat(part, ' ') .. '\\n' .. body, expires)
end
`

// What is done most often takes out of a record what it needs, and leaves the rest as it is: to take all apart and put
// it together again costs more than all else in the script.
const SHORT = `${BEGINNING}
-- Of a text that begins with a record's tokens: its expiry, version, idle time and deadline, and at which bytes what
-- was created when and the hash begin. The first two tokens have a fixed width.
local function front(text)
  local version, idle, created, deadline, hash = match(text, '^1 (%d+) (%d+) ()%d+ (%d+) %d+ ()', 39)
  local expires = tonumber(sub(text, 1, 16))
  if not (expires and hash) then unreadable() end
  return expires, version, idle, tonumber(deadline), created, hash
end

local function authorised(text, at, hash)
  if sub(text, at, at + #hash) == hash .. ' ' then return true end
  local previous, grace = match(text, '^%S+ (%S+) (%S+)', at)
  return previous == hash and (grace == '-' or tonumber(grace) > now)
end
`

/** What `UPDATE` says of one of several records where it met a fault: this, and Redis' error. */
export const FAULT = '!'
/** What stands for each blank in that error. */
export const BLANK = '\u0001'

/**
 * KEYS: records. ARGV for each: hash, name of the write, version or '', idle or '', body or ''. An outcome for each. Of
 * several, none is to suffer by a fault of another, and those before it are written already.
 */
export const UPDATE: Script = scriptOf(`${SHORT}
local function update(key, hash, name, version, idle, body)
  local text = redis.call('GET', key)
  if not text or text == '' then return 'gone' end
  local expires, current, idleNow, deadline, created, at = front(text)
  if expires <= now then return 'gone' end
  -- Eight tokens from the hash on, and then the writes.
  local ends, from = find(text, '\\n', at, true), at
  for _ = 1, 8 do from = (find(text, ' ', from, true) or #text) + 1 end
  if not ends or from > ends then unreadable() end
  local writes = sub(text, from, ends - 1)
  local before = done(writes, name)
  if before then return 'ok:' .. before .. ':' .. fmt(expires) end
  if not authorised(text, at, hash) then return 'gone' end
  if version ~= '' and version ~= current then return 'conflict' end
  if idle == '' then idle = idleNow end
  if body == '' then
    body = sub(text, ends + 1)
  else
    current = fmt(tonumber(current) + 1)
  end
  expires = math.min(now + tonumber(idle), deadline)
  local written = format(PADDED, expires)
  store(key, written .. sub(text, 17, 40) .. current .. ' ' .. idle .. ' ' .. sub(text, created, from - 1)
    .. note(writes, name, current) .. '\\n' .. body, expires)
  return 'ok:' .. current .. ':' .. written
end
if #KEYS == 1 then return stamp .. ' ' .. update(KEYS[1], unpack(ARGV)) end
local outcomes = { stamp }
for at, key in ipairs(KEYS) do
  local fine, outcome = pcall(update, key, unpack(ARGV, at * 5 - 4, at * 5))
  if not fine then
    outcome = '${FAULT}' .. string.gsub(type(outcome) == 'table' and outcome.err or tostring(outcome), '%s', '\\1')
  end
  outcomes[at + 1] = outcome
end
return table.concat(outcomes, ' ')
`)

/** KEYS: record. ARGV: hash, name of this touch, from, to. Writes the first two tokens in place. */
export const TOUCH: Script = scriptOf(`${SHORT}
local text = redis.call('GETRANGE', KEYS[1], 0, 1023)
if text == '' then return stamp .. ' 0' end
local expires, _, _, deadline, _, at = front(text)
if expires <= now then return stamp .. ' 0' end
if sub(text, 18, 37) == ARGV[2] then return stamp .. ' 1' end
if not authorised(text, at, ARGV[1]) or expires ~= tonumber(ARGV[3]) then return stamp .. ' 0' end
expires = math.min(tonumber(ARGV[4]), deadline)
if expires <= now then
  redis.call('DEL', KEYS[1])
else
  redis.call('SETRANGE', KEYS[1], 0, format(PADDED, expires) .. ' ' .. ARGV[2])
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
