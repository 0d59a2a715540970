-- Tells who works on the total, and changes nothing. What has lapsed does not count.
-- KEYS: the ledger, as ledger.lua describes it.
-- Returns the time, the number of writers in flight, and 1 if a reader counts, else 0.
local now = time()
local writers, readers = 0, 0

local function is_recent(stamp)
  local age = now - (stamp or 0)
  return age >= 0 and age <= lifetime
end

local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local field, text = fields[i], fields[i + 1]
  if field == 'reader' and is_recent(string.match(text, '%d+$')) then
    readers = 1
  elseif string.find(field, '^in_flight:') and is_recent(string.match(text, '^%d+')) then
    writers = writers + 1
  end
end
return { now, writers, readers }
