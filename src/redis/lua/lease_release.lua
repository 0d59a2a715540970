-- Releases the leases that are still the reader's.
-- KEYS: lease, value, answer, lease ...
-- ARGV: the reader's token; and, if its only count is left to the readers that wait, that count and
-- the reader's origin.
for i = 1, #KEYS, 3 do
  if redis.call('GET', KEYS[i]) == ARGV[1] then
    if ARGV[2] then
      leave_answer(KEYS[i + 2], ARGV[1], ARGV[2], ARGV[3])
    end
    redis.call('DEL', KEYS[i])
  end
end
