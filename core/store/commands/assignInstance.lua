-- Writes a new instance's desired state and assigns it to its host.
-- KEYS[1] instance   KEYS[2] all instances (set)   KEYS[3] the host's instances (set)
-- ARGV[1] instance id   ARGV[2] desired (JSON)
-- Returns 1, or 0 when the instance exists. Guarantee: an instance is in both sets or does not exist.
if redis.call('HSETNX', KEYS[1], 'desired', ARGV[2]) == 0 then return 0 end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[1])
return 1
