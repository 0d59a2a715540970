-- Says what became of a writer in flight. Any program that knows it may run this; a second run changes
-- nothing.
-- ARGV: the writer's name; `committed` once the commit is visible, or `aborted`.
local name, fate = ARGV[1], ARGV[2]
local field, entry = 'in_flight:' .. name, ledger.in_flight[name]
if not entry then
  return
end
local orders = fate == 'committed' and string.match(entry, '%d+$') or '0'
-- Once the orders are taken, the entry is void, even if it cannot be cleared.
if ledger.base and not (ledger.since and seen_by(ledger.since)(name)) then
  set('base', add(ledger.base, orders), field, '0 0')
elseif not ledger.base and reader() then
  keep({ name, orders }, field, '0 0')
end
ledger.in_flight[name] = nil
clear(field)
settle()
