-- Applies transactions of other programs that are visible: by how much each changed the number of
-- orders. A count whose snapshot had seen one has it already; where that is not known, the count goes.
-- ARGV: for each transaction its id and that number, which may be negative.

-- The sum of those that the published or known count lacks.
local function sum_unseen()
  local is_seen, sum = seen_by(ledger.since), 0
  for i = 1, #ARGV, 2 do
    sum = is_seen(ARGV[i]) and sum or sum + ARGV[i + 1]
  end
  return sum
end

-- The value is below zero between two transactions whose commits came the other way round.
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
