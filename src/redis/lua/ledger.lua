-- The total's ledger: who counts, who writes, and the count that is known meanwhile. Each of the
-- scripts ledger_*.lua begins with this file. KEYS: the value, the ledger. The ledger is a hash:
--   reader           the one that counts: its token, and when it was renewed last
--   base, ends       a count that is known while writers are in flight; the end of its time to live
--   since, filled_by the snapshot that the base or the value was counted in, and its reader's token
--   in_flight:NAME   a writer: since when, and with how many orders
--   committed:NAME   the orders of a writer that committed while a reader counted; others' may be
--                    negative
--   asked            when somebody was told to ask what became of writers in flight
-- A writer's NAME is `ID:ORDER`: its transaction's id, and the number of one of its orders, where that
-- is known. The id alone may be another's after a crash of PostgreSQL.
-- Times are milliseconds of Redis's own clock. Orders are added by HINCRBY, for Lua's numbers are
-- floats.
local value_key, ledger_key = KEYS[1], KEYS[2]
local lifetime = 2000

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function digits(number)
  return string.format('%.0f', number)
end

-- A count that fits into 64 bits, or nil.
local function count_in(key)
  local text = redis.pcall('GET', key)
  return type(text) == 'string' and #text < 19 and string.match(text, '^%d+$') or nil
end

-- What the text of a field looks like, and of an entry. All else is somebody else's.
local field_forms = {
  reader = '^%S+ %d+$',
  base = '^-?%d+$',
  ends = '^%d+$',
  since = '^%d+:%d+:[%d,]*$',
  filled_by = '^%S+$',
  asked = '^%d+$',
}
local entry_forms = { in_flight = '^%d+ %d+$', committed = '^-?%d+$' }

local function is_of_form(text, form)
  return form and string.match(text, form)
end

-- Absent: the key is somebody else's.
local function parse_ledger()
  local ledger = { in_flight = {}, committed = {} }
  local fields = redis.pcall('HGETALL', ledger_key)
  if fields.err and string.find(fields.err, 'WRONGTYPE', 1, true) then
    return nil
  elseif fields.err then
    fields = redis.call('HGETALL', ledger_key)
  end
  for i = 1, #fields, 2 do
    local field, text = fields[i], fields[i + 1]
    local kind, name = string.match(field, '^([%l_]+):(%d+:.*)$')
    if kind and is_of_form(text, entry_forms[kind]) then
      ledger[kind][name] = text
    elseif is_of_form(text, field_forms[field]) then
      ledger[field] = text
    else
      return nil
    end
  end
  return ledger
end

local ledger = parse_ledger()

local function has_lapsed_writer()
  for _, entry in pairs(ledger.in_flight) do
    if now - tonumber(string.match(entry, '^%d+')) > lifetime then
      return true
    end
  end
  return false
end

local function forget_ledger()
  redis.call('DEL', ledger_key)
  ledger = { in_flight = {}, committed = {} }
end

-- A writer that is in flight for too long makes the ledger void: nobody waits for it for ever.
if not ledger or has_lapsed_writer() then
  forget_ledger()
end

local function set(field, text)
  ledger[field] = text
  redis.call('HSET', ledger_key, field, text)
end

local function clear(...)
  for _, field in ipairs({ ... }) do
    ledger[field] = nil
    redis.call('HDEL', ledger_key, field)
  end
end

-- A reader that was not renewed for too long is gone for good: from now on nobody keeps what is
-- committed for it.
local function forget_lapsed_reader()
  local renewed = string.match(ledger.reader or '', ' (%d+)$') or 0
  if ledger.reader and now - tonumber(renewed) > lifetime then
    clear('reader')
  end
end

forget_lapsed_reader()

local function set_reader(token)
  set('reader', token .. ' ' .. digits(now))
end

-- The token of the reader that counts, or nil.
local function reader()
  return string.match(ledger.reader or '', '^%S+')
end

local function id_of(name)
  return string.match(name, '^%d+')
end

-- Whether the snapshot, `xmin:xmax:running,running,...`, had seen what the writer's transaction wrote.
local function has_seen(snapshot, name)
  local id = id_of(name)
  local xmin, xmax, running = string.match(snapshot, '^(%d+):(%d+):([%d,]*)$')
  if tonumber(id) < tonumber(xmin) then
    return true
  end
  local is_running = string.find(',' .. running .. ',', ',' .. id .. ',', 1, true)
  return tonumber(id) < tonumber(xmax) and not is_running
end

-- The ledger lives as long as the value beside it, and never shorter than its own lifetime.
local function touch()
  local left = redis.call('PTTL', value_key)
  if left == -1 then -- it never expires
    left = 2147483647000
  end
  redis.call('PEXPIRE', ledger_key, digits(math.max(left, lifetime)))
end

-- Publishes the base for what is left of its time; of the ledger only where it comes from stays.
local function publish()
  local base = redis.call('HGET', ledger_key, 'base')
  local left = ledger.ends and tonumber(ledger.ends) - now
  redis.call('DEL', ledger_key)
  if not left then
    redis.call('SET', value_key, base)
  elseif left > 0 then
    redis.call('SET', value_key, base, 'PX', digits(left))
  else
    redis.call('DEL', value_key)
    return
  end
  if ledger.since then
    redis.call('HSET', ledger_key, 'since', ledger.since, 'filled_by', ledger.filled_by)
    touch()
  end
end

-- Comes last in every script that may have changed who is in flight or what is known.
local function settle()
  if next(ledger.in_flight) == nil then
    if ledger.base then
      return publish()
    elseif not reader() and not count_in(value_key) then
      redis.call('DEL', ledger_key)
      return
    end
  end
  touch()
end
