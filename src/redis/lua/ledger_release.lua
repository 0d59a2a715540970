-- Gives the right to count up. ARGV: the reader's token.
if reader() == ARGV[1] then
  clear('reader')
  settle()
end
