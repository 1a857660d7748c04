-- Writes the live figures of an instance.
-- KEYS[1] the instance (hash)   ARGV[1] figures
-- Returns 1, or 0 if the instance is not there. Guarantee: an instance that was forgotten does not come back as a hash
-- without desired state.
if redis.call('HEXISTS', KEYS[1], 'desired') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'stats', ARGV[1])
return 1
