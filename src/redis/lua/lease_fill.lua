-- Stores the counts whose leases are still the reader's, and gives those up.
-- KEYS: lease, value, lease, value ... ARGV: the reader's token, seconds to live, count, count ...
for i = 1, #KEYS, 2 do
  if redis.call('GET', KEYS[i]) == ARGV[1] then
    redis.call('SET', KEYS[i + 1], ARGV[(i + 1) / 2 + 2], 'EX', ARGV[2])
    redis.call('DEL', KEYS[i])
  end
end
