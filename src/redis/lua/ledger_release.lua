-- Releases the right to count.
-- ARGV: the reader's token; and, if its count is left to the readers that wait, that count and the
-- reader's origin.
if reader() == ARGV[1] then
  if ARGV[2] then
    leave_answer(answer_key, ARGV[1], ARGV[2], ARGV[3])
  end
  clear_reader()
  settle()
end
