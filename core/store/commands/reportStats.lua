-- Writes the live figures of an instance.
-- KEYS[1] what its host says of it (hash)
-- ARGV[1] the instance's key: not among KEYS, as agents may only read it   ARGV[2] host id   ARGV[3] figures
-- Returns 1, or 0 if the instance is not there or another host's. Guarantee: of an instance that was forgotten nothing comes back.
local desired = redis.call('HGET', ARGV[1], 'desired')
if not desired or cjson.decode(desired).hostId ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'stats', ARGV[3])
return 1
