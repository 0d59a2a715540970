-- A follower's sign of life: the cache has everything that was visible at a moment.
-- KEYS: followed, alive. ARGV: the moment, in milliseconds of this server's clock, or 0.
-- `followed` holds the time of the last sign. `alive` expires when its moment is as long past as a
-- read may be old, however late the sign arrives. It holds for how many milliseconds it has been there
-- without a gap.
-- Returns the time.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local left = lifetime + math.min(ARGV[1] - now, 0)
local last, age = tonumber(text_at(KEYS[1])), tonumber(text_at(KEYS[2]))
age = age and last and math.max(age + now - last, 0) or 0
redis.call('SET', KEYS[1], string.format('%.0f', now))
if left > 0 then
  redis.call('SET', KEYS[2], string.format('%.0f', age), 'PX', string.format('%.0f', left))
end
return now
