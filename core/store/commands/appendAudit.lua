-- Appends entries to the audit log.
-- KEYS[1] head   KEYS[2] log, a stream whose ids are the entries' places
-- ARGV[1] the hash that the first entry carries as the one before it   ARGV[2] its place   ARGV[3] the hash of the last entry
-- ARGV[4…] the entries
-- Returns {1}; or {0, place, hash} of the head when it is another.
-- Guarantee: one order for all controllers, without gaps; asked twice, the entries are there once.
local seq = tonumber(redis.call('HGET', KEYS[1], 'seq') or '0')
local hash = redis.call('HGET', KEYS[1], 'hash') or ''
local first = tonumber(ARGV[2])
if hash == ARGV[3] then return {1} end
if seq ~= first - 1 or (hash ~= '' and hash ~= ARGV[1]) then return {0, seq, hash} end
for index = 4, #ARGV do
  redis.call('XADD', KEYS[2], (first + index - 4) .. '-0', 'e', ARGV[index])
end
redis.call('HSET', KEYS[1], 'seq', first + #ARGV - 4, 'hash', ARGV[3])
return {1}
