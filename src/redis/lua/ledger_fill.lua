-- Makes the reader's count the base, unless a writer that its probe saw is not in the ledger: nothing
-- would add that writer's orders.
-- ARGV: the reader's token, the count, its seconds to live, the snapshot of the statement that
-- counted, how many writers the probe saw, the lower 32 bits of each writer's transaction id, the names
-- of the writers that the count is known to include.
-- Returns 1 if the count was taken, 0 if it was not, or the names of writers whose ids the snapshot has
-- seen: if PostgreSQL crashed after the snapshot, these ids may have been other transactions' then.
local token, count, seconds, snapshot, last = ARGV[1], ARGV[2], ARGV[3], ARGV[4], 5 + ARGV[5]

if reader() ~= token then
  return 0
end
local committed = redis.call('HGETALL', committed_key)
if #committed / 2 ~= tonumber(ledger.kept or 0) then -- too many to keep, or evicted
  return 0
end

local names = {}
for name in pairs(ledger.in_flight) do
  table.insert(names, name)
end
for i = 1, #committed, 2 do
  table.insert(names, committed[i])
end

-- A few digits at a time, so that a float holds each step exactly.
local function low_32_bits(id)
  local bits = 0
  for first = 1, #id, 6 do
    local some = string.sub(id, first, first + 5)
    bits = (bits * 10 ^ #some + tonumber(some)) % 2 ^ 32
  end
  return digits(bits)
end

local function all_are_entered()
  local entered = {}
  for _, name in ipairs(last > 5 and names or {}) do
    entered[low_32_bits(id_of(name))] = true
  end
  for i = 6, last do
    if not entered[ARGV[i]] then
      return false
    end
  end
  return true
end

if not all_are_entered() then
  return 0
end
local is_seen, known, not_known = seen_by(snapshot), {}, {}
for i = last + 1, #ARGV do
  known[ARGV[i]] = true
end
for _, name in ipairs(names) do
  if is_seen(name) and not known[name] then
    table.insert(not_known, name)
  end
end
if #not_known > 0 then
  return not_known
end
local sum = 0
for i = 1, #committed, 2 do
  sum = is_seen(committed[i]) and sum or sum + committed[i + 1]
end
set('base', add(count, sum), 'ends', digits(now + seconds * 1000), 'since', snapshot, 'filled_by', token)
clear_reader()
settle()
return 1
