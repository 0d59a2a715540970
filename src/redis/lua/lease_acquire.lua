-- Takes the leases on customers' counts that no other reader holds. A lease without an expiry is not
-- this program's, and a lease that expires later than a lease can is from a clock that has been set
-- back: neither is in use.
-- KEYS: lease, value, answer, lease ...
-- ARGV: the reader's token, `read` or `refresh`, the reader's origin, and for each lease the earlier
-- readers that the request knows of.
-- Returns for each: {'hit', count}, {'answer', count}, {'ours'}, or {'wait', the holder's token, the
-- readers that the request met}.
local token, purpose, origin = ARGV[1], ARGV[2], ARGV[3]

local function acquire(lease, value, answer, earlier)
  local count = purpose == 'read' and count_in(value)
  if count then
    return { 'hit', count }
  end
  local answered_by, answered = answer_in(answer, origin)
  if is_later(answered_by, earlier) then
    return { 'answer', answered }
  end
  local holder, left = text_at(lease), redis.call('PTTL', lease)
  if holder ~= token and left >= 0 and left <= lifetime then
    return { 'wait', holder, met(holder, answered_by) }
  end
  redis.call('SET', lease, token, 'PX', lifetime)
  return { 'ours' }
end

local claims = {}
for i = 1, #KEYS, 3 do
  table.insert(claims, acquire(KEYS[i], KEYS[i + 1], KEYS[i + 2], ARGV[(i + 2) / 3 + 3]))
end
return claims
