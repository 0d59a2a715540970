-- Says that the reader still counts. ARGV: its token.
if reader() == ARGV[1] then
  set_reader(ARGV[1])
  redis.call('PEXPIRE', committed_key, lifetime)
end
