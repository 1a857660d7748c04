-- Adds a certificate, or replaces its record.
-- KEYS[1] certificates (hash: id → record)   KEYS[2] secrets (hash: id → sealed)   KEYS[3] changes (zset: id by version)
-- KEYS[4] version
-- ARGV[1] id   ARGV[2] record (JSON)   ARGV[3] sealed chain and key, or '' to keep what is there
-- Returns the new version, or 0 when there is nothing to keep. Guarantee: a record always has its secret, and whoever has
-- seen an earlier version finds the id among the changes since.
if ARGV[3] == '' then
  if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 0 end
else
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
end
-- A clock, so that a Redis that lost its last second does not number another change the same.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local version = math.max(now, tonumber(redis.call('GET', KEYS[4]) or '0') + 1)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[3], version, ARGV[1])
redis.call('SET', KEYS[4], string.format('%.0f', version))
return version
