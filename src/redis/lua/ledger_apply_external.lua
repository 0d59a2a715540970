-- Applies transactions of other programs, which are visible, to the total. The total already has those
-- that its snapshot had seen. If that snapshot is not known, the total is deleted.
-- ARGV: for each transaction its id, and by how much it changed the number of orders.

-- The sum of those that the published or known count lacks.
local function sum_unseen()
  local is_seen, sum = seen_by(ledger.since), 0
  for i = 1, #ARGV, 2 do
    sum = is_seen(ARGV[i]) and sum or sum + ARGV[i + 1]
  end
  return sum
end

-- The value may be below zero for a moment: transactions may be applied in another order than they
-- were committed in.
local is_published = string.match(text_at(value_key), '^%-?%d+$')

if reader() then
  local entries = {}
  for i = 1, #ARGV, 2 do
    table.insert(entries, ARGV[i] .. ':')
    table.insert(entries, ARGV[i + 1])
  end
  keep(entries)
end
if is_published and ledger.since then
  redis.call('INCRBY', value_key, digits(sum_unseen()))
elseif is_published then
  delete_value()
elseif ledger.base and ledger.since then
  set('base', add(ledger.base, sum_unseen()))
elseif ledger.base then
  forget_ledger()
end
settle()
