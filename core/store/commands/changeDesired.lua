-- Replaces an instance's desired state if nobody did so since it was read.
-- KEYS[1] instance
-- ARGV[1] the epoch that was read   ARGV[2] desired (JSON) with a higher epoch
-- Returns 1, or 0 when the epoch moved on or the instance is gone: read again and decide again.
local current = redis.call('HGET', KEYS[1], 'desired')
if not current or cjson.decode(current).epoch ~= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'desired', ARGV[2])
return 1
