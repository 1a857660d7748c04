-- Removes an instance that has ended.
-- KEYS[1] instance   KEYS[2] all instances (set)   KEYS[3] the host's instances (set)
-- KEYS[4] what its host says of it   KEYS[5] its requests
-- ARGV[1] instance id   ARGV[2] the epoch that was read
-- Returns 1, or 0 when the epoch moved on. Guarantee: as in assignInstance.
local desired = redis.call('HGET', KEYS[1], 'desired')
if desired and cjson.decode(desired).epoch ~= tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[1], KEYS[4], KEYS[5])
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
return 1
