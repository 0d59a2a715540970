-- What the scripts share: each of them begins with this file.

-- For how many milliseconds the right to count stands unless it is renewed, and how old a read may be
-- while somebody follows.
local lifetime = 2000

-- This server's clock, in milliseconds.
local function time()
  local clock = redis.call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end

local function text_at(key)
  local text = redis.pcall('GET', key)
  return type(text) == 'string' and text or ''
end

-- The count in a key, if it fits into 64 bits; else nil.
local function count_in(key)
  local text = text_at(key)
  return #text < 19 and string.match(text, '^%d+$') or nil
end

-- Leaves a count that may not be stored to the readers that wait for it.
local function leave_answer(key, token, count, origin)
  redis.call('SET', key, token .. ' ' .. count .. ' ' .. origin, 'PX', 1000)
end

-- The token of the reader that left an answer, and its count. Returns nil if no answer is from this
-- origin: a standby's count is not for readers that ask the primary.
local function answer_in(key, origin)
  local token, count, from = string.match(text_at(key), '^(%S+) (%d+) (%S+)$')
  if from == origin then
    return token, count
  end
end

-- Whether a reader began to count after a request was made: its token is not among the earlier
-- tokens, which are those that the request met first, with a blank around each. On the first
-- attempt the earlier tokens are not known yet, and the text is empty.
local function is_later(token, earlier)
  return token and earlier ~= '' and not string.find(earlier, ' ' .. token .. ' ', 1, true)
end

-- Joins tokens to such a text.
local function met(...)
  local tokens = ' '
  for i = 1, select('#', ...) do
    local token = select(i, ...)
    tokens = token and tokens .. token .. ' ' or tokens
  end
  return tokens
end
