-- Takes the reader's count for the base, unless a writer that its probe saw is not in the ledger:
-- nobody would add that one's orders. Gives 1 where the count was taken.
-- ARGV: the reader's token, the count, its seconds to live, the snapshot of the statement that
-- counted, and for each writer that the probe saw the lower 32 bits of its transaction's id.
local token, count, seconds, snapshot = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function all_are_entered()
  local entered = {}
  for _, kind in ipairs({ 'in_flight', 'committed' }) do
    for id in pairs(ledger[kind]) do
      entered[digits(tonumber(id) % 2 ^ 32)] = true
    end
  end
  for i = 5, #ARGV do
    if not entered[ARGV[i]] then
      return false
    end
  end
  return true
end

if reader() ~= token then
  return 0
end
clear('reader')
if not all_are_entered() then
  settle()
  return 0
end
set('base', count)
set('ends', digits(now + seconds * 1000))
set('since', snapshot)
set('filled_by', token)
for id, orders in pairs(ledger.committed) do
  if not has_seen(snapshot, id) then
    redis.call('HINCRBY', ledger_key, 'base', orders)
  end
  redis.call('HDEL', ledger_key, 'committed:' .. id)
end
settle()
return 1
