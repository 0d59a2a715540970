-- Applies transactions of other programs that are visible: by how much each changed the number of orders.
-- A count whose snapshot had seen one has it already; where that cannot be told, the count goes.
-- ARGV: for each transaction its id and that number, which may be negative.
local function change(add, forget, id, orders)
  if not ledger.since then
    forget()
  elseif not has_seen(ledger.since, id) then
    add(orders)
  end
end

local function add_to_value(orders)
  redis.call('INCRBY', value_key, orders)
end

local function forget_value()
  redis.call('DEL', value_key)
end

local function add_to_base(orders)
  redis.call('HINCRBY', ledger_key, 'base', orders)
end

-- The value is below zero between two transactions whose commits came the other way round.
local function is_published()
  local text = redis.pcall('GET', value_key)
  return type(text) == 'string' and string.match(text, '^%-?%d+$')
end

for i = 1, #ARGV, 2 do
  local id, orders = ARGV[i], ARGV[i + 1]
  if is_published() then
    change(add_to_value, forget_value, id, orders)
  elseif ledger.base then
    change(add_to_base, forget_ledger, id, orders)
  end
  if reader() then
    redis.call('HSET', ledger_key, 'committed:' .. id .. ':', orders)
  end
end
settle()
