-- Takes the right to count the total, unless its count is there or about to be.
-- ARGV: the reader's token; whose count is good enough: `anybody`, or the token of one reader whose
-- count began late enough for a refresh, or nothing.
-- Gives {'hit', count}, {'ours'}, or {'wait', token of who counts, writers to ask about ...}.
local token, accepted = ARGV[1], ARGV[2]
local is_refresh = accepted ~= 'anybody'
local silence = 100

local function add_silent_writers(reply)
  for name, entry in pairs(ledger.in_flight) do
    if now - tonumber(string.match(entry, '^%d+')) > silence then
      table.insert(reply, name)
    end
  end
end

-- One of those who wait asks for all of them.
local function wait()
  local reply = { 'wait', reader() or '' }
  if now - tonumber(ledger.asked or 0) > silence then
    add_silent_writers(reply)
    if #reply > 2 then
      set('asked', digits(now))
    end
  end
  return reply
end

local count = count_in(value_key)
if count and (not is_refresh or accepted == ledger.filled_by) then
  return { 'hit', count }
end
if reader() or (ledger.base and not is_refresh) then
  return wait()
end
if not count then
  clear('since', 'filled_by')
end
clear('base', 'ends')
set_reader(token)
touch()
return { 'ours' }
