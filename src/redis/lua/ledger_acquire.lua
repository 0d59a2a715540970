-- Takes the right to count the total, unless its count is there or about to be.
-- ARGV: the reader's token, `read` or `refresh`, the reader's origin, the earlier readers that the
-- request knows of.
-- Returns a list of one element: {'hit', count}, {'answer', count}, {'ours'}, or {'wait', token of the
-- reader that counts, readers that the request met, writers to ask about ...}.
local token, purpose, origin, earlier = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local silence = 100

-- Whether the count that is published or known will do.
local is_fresh = purpose == 'read' or is_later(ledger.filled_by, earlier)

local count = count_in(value_key)
if count and is_fresh then
  return { { 'hit', count } }
end
local answered_by, answer = answer_in(answer_key, origin)
if is_later(answered_by, earlier) then
  return { { 'answer', answer } }
end

-- One of the readers that wait asks about all silent writers.
local function wait()
  local reply = { 'wait', reader() or '', met(reader(), ledger.filled_by, answered_by) }
  if not ledger.asked or is_older(ledger.asked, silence) then
    for name, entry in pairs(ledger.in_flight) do
      if is_older(entry, silence) then
        table.insert(reply, name)
      end
    end
    if #reply > 3 then
      set('asked', digits(now))
    end
  end
  return { reply }
end

if reader() or (ledger.base and is_fresh) then
  return wait()
end
clear('base', 'ends', 'kept')
if not count then
  clear('since', 'filled_by')
end
redis.call('DEL', committed_key)
set_reader(token) -- last: a reader that is refused a step has no right to count
return { { 'ours' } }
