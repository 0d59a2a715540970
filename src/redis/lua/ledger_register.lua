-- Enters a writer, which holds its lock and has not committed, and takes the value out of sight:
-- it becomes the base, unless a refresh that is under way will bring a better one.
-- ARGV: the writer's name, the number of its orders.
local name, orders = ARGV[1], ARGV[2]

-- No snapshot has seen a transaction that is still in flight. A snapshot that seems to have seen it
-- is from before a crash of PostgreSQL, which reuses ids that it had not written to disk.
if ledger.since and seen_by(ledger.since)(name) then
  redis.call('DEL', value_key)
  forget_ledger()
end

local count, left = count_in(value_key), redis.call('PTTL', value_key)
set('in_flight:' .. name, digits(now) .. ' ' .. orders)
if count and reader() then
  clear('since', 'filled_by')
elseif count then
  set('base', count, 'ends', digits(now + left))
  if left < 0 then
    clear('ends')
  end
end
delete_value()
