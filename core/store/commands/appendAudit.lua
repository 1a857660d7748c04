-- Appends entries to the audit log.
-- KEYS[1] head   KEYS[2] log, a stream whose ids are the entries' places   KEYS[3] the places of each tenant's entries
-- ARGV[1] the hash that the first entry carries as the one before it   ARGV[2] its place   ARGV[3] the hash of the last entry
-- ARGV[4…] the entries, each after its member of KEYS[3], which is empty for what is no tenant's
-- Returns {1}; or {0, place, hash} of the head when it is another.
-- Guarantee: one order for all controllers, without gaps; asked twice, the entries are there once.
local seq = tonumber(redis.call('HGET', KEYS[1], 'seq') or '0')
local hash = redis.call('HGET', KEYS[1], 'hash') or ''
local first = tonumber(ARGV[2])
if hash == ARGV[3] then return {1} end
if seq ~= first - 1 or (hash ~= '' and hash ~= ARGV[1]) then return {0, seq, hash} end
local count = (#ARGV - 3) / 2
for index = 0, count - 1 do
  local member = ARGV[4 + 2 * index]
  redis.call('XADD', KEYS[2], (first + index) .. '-0', 'e', ARGV[5 + 2 * index])
  if member ~= '' then redis.call('ZADD', KEYS[3], 0, member) end
end
redis.call('HSET', KEYS[1], 'seq', first + count - 1, 'hash', ARGV[3])
return {1}
