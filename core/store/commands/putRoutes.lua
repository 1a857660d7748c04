-- Replaces the route table with a newer one.
-- KEYS[1] routes (hash: version, table)
-- ARGV[1] version   ARGV[2] table (JSON)
-- Returns 1, or 0 when the stored version is as new. Guarantee: the version only rises, so a router's acknowledgement of it means this content.
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if version >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'table', ARGV[2])
return 1
