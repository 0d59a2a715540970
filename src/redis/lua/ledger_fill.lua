-- Takes the reader's count for the base, unless a writer that its probe saw is not in the ledger:
-- nobody would add that one's orders. ARGV: the reader's token, the count, its seconds to live, the
-- snapshot of the statement that counted, the writers that it is known to have seen, with a blank
-- before and after each, and for each that the probe saw the lower 32 bits of its transaction's id.
-- Gives 1 where the count was taken and 0 where it was not; or the writers that the snapshot seems to
-- have seen: if PostgreSQL crashed after it, they may only have got the ids of those that it saw.
local token, count, seconds, snapshot, known = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local names = {}
for _, kind in ipairs({ 'in_flight', 'committed' }) do
  for name in pairs(ledger[kind]) do
    table.insert(names, name)
  end
end

local function all_are_entered()
  local entered = {}
  for _, name in ipairs(names) do
    entered[digits(tonumber(id_of(name)) % 2 ^ 32)] = true
  end
  for i = 6, #ARGV do
    if not entered[ARGV[i]] then
      return false
    end
  end
  return true
end

local function seen_and_not_known()
  local seen = {}
  for _, name in ipairs(names) do
    if has_seen(snapshot, name) and not string.find(known, ' ' .. name .. ' ', 1, true) then
      table.insert(seen, name)
    end
  end
  return seen
end

if reader() ~= token then
  return 0
end
if not all_are_entered() then
  clear('reader')
  settle()
  return 0
end
local seen = seen_and_not_known()
if #seen > 0 then
  return seen
end
clear('reader')
set('base', count)
set('ends', digits(now + seconds * 1000))
set('since', snapshot)
set('filled_by', token)
for name, orders in pairs(ledger.committed) do
  if not has_seen(snapshot, name) then
    redis.call('HINCRBY', ledger_key, 'base', orders)
  end
  redis.call('HDEL', ledger_key, 'committed:' .. name)
end
settle()
return 1
