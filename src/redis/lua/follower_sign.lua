-- A follower's sign of life: the cache has everything that was visible at a moment.
-- KEYS: followed, alive. ARGV: the moment, in milliseconds of this server's clock; or 0, which only
-- asks for the time: a follower's first question must not look like the end of another follower.
-- `alive` expires when its moment is as long past as a read may be old, however late the sign arrives.
-- `followed` holds the time of the last sign, and for how long `alive` had been there then without a
-- gap.
-- Returns the time.
local now = time()
if ARGV[1] == '0' then
  return now
end
local left = lifetime + math.min(ARGV[1] - now, 0)
local last, age = string.match(text_at(KEYS[1]), '^(%d+) (%d+)$')
if not last or redis.call('EXISTS', KEYS[2]) == 0 then
  last, age = now, 0
end
redis.call('SET', KEYS[1], string.format('%.0f %.0f', now, math.max(age + now - last, 0)))
if left > 0 then
  redis.call('SET', KEYS[2], 1, 'PX', string.format('%.0f', left))
end
return now
