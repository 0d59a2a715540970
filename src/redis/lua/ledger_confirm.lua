-- Says what became of a writer in flight; whoever knows may say it, and the second time changes
-- nothing. ARGV: its name; `committed` once that is visible, or `aborted`.
local name, fate = ARGV[1], ARGV[2]
local entry = ledger.in_flight[name]
if not entry then
  return
end
ledger.in_flight[name] = nil
redis.call('HDEL', ledger_key, 'in_flight:' .. name)
local orders = fate == 'committed' and string.match(entry, '%d+$') or '0'
if ledger.base then
  if not ledger.since or not has_seen(ledger.since, name) then
    redis.call('HINCRBY', ledger_key, 'base', orders)
  end
elseif reader() then
  redis.call('HSET', ledger_key, 'committed:' .. name, orders)
end
settle()
