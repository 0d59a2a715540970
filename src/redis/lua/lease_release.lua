-- Gives up the leases that are still the reader's. KEYS: leases. ARGV: the reader's token.
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then
    redis.call('DEL', lease)
  end
end
