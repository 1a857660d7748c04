-- Places a one-off run: notes the host and writes its instance's desired state.
-- KEYS[1] run   KEYS[2] instance   KEYS[3] all instances (set)   KEYS[4] the host's instances (set)
-- ARGV[1] id   ARGV[2] host   ARGV[3] desired (JSON)
-- Returns 1, or 0 when the run is gone, is over, is to be stopped, or was placed before.
-- Guarantee: a run is placed once and never again, whoever leads and whatever became of its instance.
local run = redis.call('HMGET', KEYS[1], 'record', 'host', 'stop', 'end')
if not run[1] or run[2] or run[3] or run[4] then return 0 end
redis.call('HSET', KEYS[1], 'host', ARGV[2])
redis.call('HSET', KEYS[2], 'desired', ARGV[3])
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
return 1
