-- Notes that somebody wants a one-off run ended.
-- KEYS[1] run
-- ARGV[1] who and when (JSON)
-- Returns 1, or 0 when the run is gone or over. Guarantee: the first to ask is noted, and what is over stays as it ended.
local run = redis.call('HMGET', KEYS[1], 'record', 'end')
if not run[1] or run[2] then return 0 end
redis.call('HSETNX', KEYS[1], 'stop', ARGV[1])
return 1
