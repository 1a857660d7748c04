-- Adds lines to an app's log, each once, and drops the oldest above the byte limit.
-- KEYS[1] its log   KEYS[2] figures of the log   KEYS[3] how far this writer has come
-- ARGV[1] the app's key: not among KEYS, as agents and routers may only read it
-- ARGV[2] what the positions below are of: a file of output, or a life of the writer
-- ARGV[3] bytes kept where the figures name no other limit   ARGV[4] seconds that a writer is remembered
-- ARGV[5] lines among these that say that others were dropped, as a number of lines
-- ARGV[6…] position, line (JSON), …, with rising positions
-- Returns how many lines were new; -1 when the app is gone. Guarantee: a line that is sent again, because nobody knows
-- whether it has arrived, is stored once. Each line carries its number in `n`, so that readers see what they missed.
if redis.call('EXISTS', ARGV[1]) == 0 then return -1 end

local storedAt = -1
local before = redis.call('GET', KEYS[3])
if before then
  local at, name = string.match(before, '^(%d+) (.*)$')
  if name == ARGV[2] then storedAt = tonumber(at) end
end

local added, size, last = 0, 0, storedAt
local number = tonumber(redis.call('HGET', KEYS[2], 'lines') or '0')
for i = 6, #ARGV, 2 do
  local position = tonumber(ARGV[i])
  if position > last then
    last = position
    number = number + 1
    redis.call('XADD', KEYS[1], '*', 'n', number, 'line', ARGV[i + 1])
    added = added + 1
    size = size + #ARGV[i + 1]
  end
end
if added == 0 then return 0 end
redis.call('SET', KEYS[3], string.format('%d %s', last, ARGV[2]), 'EX', ARGV[4])
redis.call('HSET', KEYS[2], 'lines', number)
if tonumber(ARGV[5]) > 0 then redis.call('HINCRBY', KEYS[2], 'dropped', ARGV[5]) end

local bytes = redis.call('HINCRBY', KEYS[2], 'bytes', size)
local limit = tonumber(redis.call('HGET', KEYS[2], 'limit') or ARGV[3])
-- So many pages at most: after the limit was lowered by much, the next lines go on with it, and nobody waits for long.
local pages = 0
while bytes > limit and pages < 20 do
  pages = pages + 1
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 100)
  if #oldest == 0 then
    bytes = 0
    break
  end
  local gone = {}
  for _, row in ipairs(oldest) do
    if bytes <= limit then break end
    -- What an earlier version stored has no number in front.
    bytes = bytes - #(row[2][4] or row[2][2])
    gone[#gone + 1] = row[1]
  end
  redis.call('XDEL', KEYS[1], unpack(gone))
end
redis.call('HSET', KEYS[2], 'bytes', bytes)
return added
