-- Takes the leases on customers' counts that nobody else has. One without an expiry is nobody's:
-- this program sets none such. KEYS: lease, value, lease, value ... ARGV: the reader's token, a
-- lease's milliseconds, `read` or `refresh`, which takes no value for an answer.
-- Gives a list for each: {'hit', count}, {'ours'} or {'wait', token of who counts}.
local token, lifetime, purpose = ARGV[1], ARGV[2], ARGV[3]

local function text_at(key)
  local text = redis.pcall('GET', key)
  return type(text) == 'string' and text or ''
end

-- A count that fits into 64 bits, or nil.
local function count_at(key)
  local text = text_at(key)
  return #text < 19 and string.match(text, '^%d+$') or nil
end

local function acquire(lease, value)
  local count = purpose == 'read' and count_at(value)
  if count then
    return { 'hit', count }
  end
  local holder = text_at(lease)
  if holder ~= token and redis.call('PTTL', lease) >= 0 then
    return { 'wait', holder }
  end
  redis.call('SET', lease, token, 'PX', lifetime)
  return { 'ours' }
end

local claims = {}
for i = 1, #KEYS, 2 do
  table.insert(claims, acquire(KEYS[i], KEYS[i + 1]))
end
return claims
