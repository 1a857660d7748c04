-- Takes the stored route table to its next version.
-- KEYS[1] head (hash: version, mark)   KEYS[2] app id → route   KEYS[3] tenant → quota   KEYS[4] the last changes (stream)
-- ARGV[1] the mark of the table that is changed, or empty   ARGV[2] the new version   ARGV[3] its mark
-- ARGV[4] the change (JSON), or empty when it is too large for the log   ARGV[5] how many changes the log keeps
-- ARGV[6] how many routes change   ARGV[7] leave   ARGV[8] how many quotas change   ARGV[9] leave
-- ARGV[10…] those, in this order: id and row for what changes, id for what leaves
-- Returns 1, or 0 when another table is stored than the one that the change was made on.
-- Guarantee: the version only rises, and an entry of the log continues the one before it, or the log begins with it.
local head = redis.call('HMGET', KEYS[1], 'version', 'mark')
if (head[2] or '') ~= ARGV[1] then return 0 end
if head[2] and tonumber(head[1]) >= tonumber(ARGV[2]) then return 0 end
-- Without a table, rows are what is left of another one.
if not head[2] then redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4]) end
local at = 10
local function put(key, changed, removed)
  for _ = 1, changed do
    redis.call('HSET', key, ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  for _ = 1, removed do
    redis.call('HDEL', key, ARGV[at])
    at = at + 1
  end
end
put(KEYS[2], tonumber(ARGV[6]), tonumber(ARGV[7]))
put(KEYS[3], tonumber(ARGV[8]), tonumber(ARGV[9]))
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'mark', ARGV[3])
-- What is not in the log leaves a gap in it, and whoever finds one reads the whole table.
if ARGV[4] == '' then
  redis.call('DEL', KEYS[4])
else
  redis.call('XADD', KEYS[4], 'MAXLEN', ARGV[5], ARGV[2] .. '-1', 'mark', ARGV[3], 'change', ARGV[4])
end
return 1
