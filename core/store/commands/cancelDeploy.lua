-- Notes that somebody wants a deploy ended, and ends it where it did not begin yet.
-- KEYS[1] deploy   KEYS[2] deploys that are not over (set)   KEYS[3] its log
-- ARGV[1] id   ARGV[2] who and when (JSON)   ARGV[3] the record as it is when cancelled (JSON)   ARGV[4] the log's last line
-- ARGV[5] how long the log is kept (s)
-- Returns 2 when it ended with this, 1 when it is noted, 0 when it is over or gone. Guarantee: the first to ask is noted, and
-- a deploy that ends here is never begun: whoever would begin it finds it over (see saveDeploy.lua).
local before = redis.call('HGET', KEYS[1], 'record')
if not before then return 0 end
local state = cjson.decode(before).state
if state == 'succeeded' or state == 'failed' or state == 'cancelled' then return 0 end
redis.call('HSETNX', KEYS[1], 'cancel', ARGV[2])
if state ~= 'queued' then return 1 end
redis.call('HSET', KEYS[1], 'record', ARGV[3])
redis.call('XADD', KEYS[3], '*', 'line', ARGV[4])
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[3], ARGV[5])
return 2
