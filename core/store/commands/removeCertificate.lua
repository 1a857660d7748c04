-- Removes a certificate with its secret.
-- KEYS[1] certificates (hash: id → record)   KEYS[2] secrets (hash: id → sealed)   KEYS[3] changes (zset: id by version)
-- KEYS[4] version
-- ARGV[1] id
-- Returns the new version, or 0 when there is no such certificate. Guarantee: as putCertificate.lua.
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local version = math.max(now, tonumber(redis.call('GET', KEYS[4]) or '0') + 1)
redis.call('ZADD', KEYS[3], version, ARGV[1])
redis.call('SET', KEYS[4], string.format('%.0f', version))
return version
