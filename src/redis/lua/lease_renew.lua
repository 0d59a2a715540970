-- Gives the leases that are still the reader's their whole time again.
-- KEYS: leases. ARGV: the reader's token, milliseconds.
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then
    redis.call('PEXPIRE', lease, ARGV[2])
  end
end
