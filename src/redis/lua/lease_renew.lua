-- Renews the leases that are still the reader's.
-- KEYS: lease, value, answer, lease ... ARGV: the reader's token.
for i = 1, #KEYS, 3 do
  if redis.call('GET', KEYS[i]) == ARGV[1] then
    redis.call('PEXPIRE', KEYS[i], lifetime)
  end
end
