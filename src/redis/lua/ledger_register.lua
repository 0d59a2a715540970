-- Enters a writer, which holds its lock and has not committed, and takes the value out of sight:
-- it becomes the base, unless a refresh that is under way will bring a better one.
-- ARGV: the writer's name, the number of its orders.
local name, orders = ARGV[1], ARGV[2]

-- No snapshot has seen a transaction that is still in flight. One that seems to have is from before
-- a crash of PostgreSQL, which then gives ids away again that it had not yet written to disk.
if ledger.since and has_seen(ledger.since, name) then
  redis.call('DEL', value_key)
  forget_ledger()
end

local count = count_in(value_key)
if count then
  local left = redis.call('PTTL', value_key)
  if reader() then
    clear('since', 'filled_by')
  else
    clear('ends')
    set('base', count)
    if left >= 0 then
      set('ends', digits(now + left))
    end
  end
end
redis.call('DEL', value_key)
redis.call('HSET', ledger_key, 'in_flight:' .. name, digits(now) .. ' ' .. orders)
touch()
