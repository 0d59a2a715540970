-- Stores the counts whose leases are still the reader's, and releases these leases.
-- KEYS: lease, value, answer, lease ...
-- ARGV: the reader's token, seconds to live, the reader's origin if a refresh that waits may take the
-- count and otherwise an empty text, the counts.
-- Returns for each 1 if it was stored, else 0.
local token, seconds, origin = ARGV[1], ARGV[2], ARGV[3]
local stored = {}
for i = 1, #KEYS, 3 do
  local count = ARGV[(i + 2) / 3 + 3]
  local is_ours = redis.call('GET', KEYS[i]) == token
  if is_ours then
    redis.call('SET', KEYS[i + 1], count, 'EX', seconds)
    if origin ~= '' then
      leave_answer(KEYS[i + 2], token, count, origin)
    end
    redis.call('DEL', KEYS[i])
  end
  table.insert(stored, is_ours and 1 or 0)
end
return stored
