-- The total's ledger: the reader that counts, the writers in flight, and the count that is known
-- meanwhile. Each of the scripts ledger_*.lua begins with this file. KEYS: the value, the ledger, the
-- committed orders, the answer. The ledger is a hash:
--   reader           the token of the reader that counts, and when it was renewed last
--   base, ends       a count that is known while writers are in flight; the end of its time to live
--   since, filled_by the snapshot that the base or the value was counted in, and its reader's token
--   in_flight:NAME   a writer: since when, and with how many orders
--   kept             how many transactions were put among the committed orders for the reader
--   asked            when a reader was last told to ask what became of writers in flight
-- The committed orders are a hash of their own, which only a fill reads: NAME, and by how many orders
-- that transaction changed the total while the reader counted. Redis may evict it.
-- A writer's NAME is `ID:ORDER`: its transaction's id, and the number of one of its orders, if it is
-- known. After a crash of PostgreSQL, another transaction may have the id.
-- Times are milliseconds of Redis's own clock. Fields are set, with an expiry, before others are
-- cleared: a script that is refused midway leaves nothing that stays.
local value_key, ledger_key, committed_key, answer_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local most_kept = 10000

local now = time()

local function digits(number)
  return string.format('%.0f', number)
end

-- The exact sum of a count and a number. Lua's numbers are floats, which are exact up to 15 digits.
local function add(count, number)
  if #count < 16 then
    return digits(tonumber(count) + number)
  end
  local low = tonumber(string.sub(count, -9)) + number
  local carry = math.floor(low / 1e9)
  return digits(tonumber(string.sub(count, 1, -10)) + carry) .. string.format('%09.0f', low - carry * 1e9)
end

-- A stamp from the future is from a clock that was ahead: it counts as old.
local function is_older(stamp, milliseconds)
  local age = now - tonumber(string.match(stamp, '%d+'))
  return age < 0 or age > milliseconds
end

-- What the text of each field looks like. A hash with anything else is not this program's.
local forms = {
  reader = '^%S+ %d+$',
  base = '^-?%d+$',
  ends = '^%d+$',
  since = '^%d+:%d+:[%d,]*$',
  filled_by = '^%S+$',
  kept = '^%d+$',
  asked = '^%d+$',
}

-- Returns nil if the key is not this program's.
local function parse_ledger()
  local ledger = { in_flight = {} }
  local fields = redis.pcall('HGETALL', ledger_key)
  if fields.err and string.find(fields.err, 'WRONGTYPE', 1, true) then
    return nil
  elseif fields.err then
    fields = redis.call('HGETALL', ledger_key)
  end
  for i = 1, #fields, 2 do
    local field, text = fields[i], fields[i + 1]
    local name = string.match(field, '^in_flight:(%d+:.*)$')
    if name and string.match(text, '^%d+ %d+$') then
      ledger.in_flight[name] = text
    elseif forms[field] and string.match(text, forms[field]) then
      ledger[field] = text
    else
      return nil
    end
  end
  return ledger
end

local ledger = parse_ledger()

-- The ledger lives as long as the value beside it, and never shorter than its own lifetime.
local function touch()
  local left = redis.call('PTTL', value_key)
  if left == -1 then -- it never expires
    left = 2147483647000
  end
  redis.call('PEXPIRE', ledger_key, digits(math.max(left, lifetime)))
end

local function set(...)
  local fields = { ... }
  for i = 1, #fields, 2 do
    ledger[fields[i]] = fields[i + 1]
  end
  redis.call('HSET', ledger_key, ...)
  touch()
end

-- Takes the value out of sight. The ledger need not live as long as the value any more.
local function delete_value()
  redis.call('DEL', value_key)
  touch()
end

local function clear(...)
  for _, field in ipairs({ ... }) do
    ledger[field] = nil
  end
  redis.call('HDEL', ledger_key, ...)
end

local function forget_ledger()
  redis.call('DEL', ledger_key, committed_key)
  ledger = { in_flight = {} }
end

-- A writer that is in flight for too long makes the ledger void: no reader waits for it for ever.
local function has_lapsed_writer()
  for _, entry in pairs(ledger.in_flight) do
    if is_older(entry, lifetime) then
      return true
    end
  end
  return false
end

-- A base without a writer in flight was left by a script that was refused before it could publish
-- it.
local function has_base_that_was_left()
  return ledger.base and next(ledger.in_flight) == nil
end

-- Ends the right of the reader that counts. Nothing more is kept for it.
local function clear_reader()
  clear('reader', 'kept')
  redis.call('DEL', committed_key)
end

touch() -- if this is refused, nothing is set
if not ledger or has_lapsed_writer() or has_base_that_was_left() then
  forget_ledger()
elseif ledger.reader and is_older(string.match(ledger.reader, '%d+$'), lifetime) then
  clear_reader() -- it was not renewed, and is gone for good
end

-- The token of the reader that counts, or nil.
local function reader()
  return string.match(ledger.reader or '', '^%S+')
end

local function set_reader(token)
  set('reader', token .. ' ' .. digits(now))
end

-- Keeps what transactions committed for the reader that counts, and sets the fields in the same step.
-- Past the bound none of it is kept, and the reader cannot store its count.
-- Entries: NAME, orders, NAME, orders ...
local function keep(entries, ...)
  local kept = tonumber(ledger.kept or 0)
  if kept > most_kept then
    return
  end
  kept = kept + redis.call('HSET', committed_key, unpack(entries))
  redis.call('PEXPIRE', committed_key, lifetime)
  set('kept', digits(kept), ...)
  if kept > most_kept then
    redis.call('DEL', committed_key)
  end
end

local function id_of(name)
  return string.match(name, '^%d+')
end

-- Compares ids as text: they may be beyond what a float holds exactly.
local function is_less(id, other)
  return #id < #other or (#id == #other and id < other)
end

-- Returns a function that tells whether a snapshot, `xmin:xmax:running,running,...`, has seen what
-- the transaction of that name wrote.
local function seen_by(snapshot)
  local xmin, xmax, running = string.match(snapshot, '^(%d+):(%d+):([%d,]*)$')
  running = ',' .. running .. ','
  return function(name)
    local id = id_of(name)
    return is_less(id, xmin) or (is_less(id, xmax) and not string.find(running, ',' .. id .. ',', 1, true))
  end
end

-- Publishes the base for the rest of its time. Of the ledger, only `since` and `filled_by` stay.
local function publish()
  local left = ledger.ends and tonumber(ledger.ends) - now
  if left and left <= 0 then
    redis.call('DEL', value_key)
    return forget_ledger()
  elseif left then
    redis.call('SET', value_key, ledger.base, 'PX', digits(left))
  else
    redis.call('SET', value_key, ledger.base)
  end
  if not ledger.since then
    return forget_ledger()
  end
  touch()
  clear('base', 'ends', 'asked')
end

-- Comes last in every script that may have changed the writers in flight or the base.
local function settle()
  if next(ledger.in_flight) ~= nil then
    return
  elseif ledger.base then
    publish()
  elseif not reader() and not count_in(value_key) then
    forget_ledger()
  end
end
