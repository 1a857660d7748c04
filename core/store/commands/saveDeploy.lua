-- Writes a deploy's record.
-- KEYS[1] deploy   KEYS[2] deploys that are not over (set)   KEYS[3] its log
-- ARGV[1] id   ARGV[2] record (JSON)   ARGV[3] build epoch   ARGV[4] 0, or, where it is over with this, how long the log is kept (s)
-- Returns 1, or 0 when it is over already or gone. Guarantee: a deploy ends once, by the first word on it.
local before = redis.call('HGET', KEYS[1], 'record')
if not before then return 0 end
local state = cjson.decode(before).state
if state == 'succeeded' or state == 'failed' or state == 'cancelled' then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'buildEpoch', ARGV[3])
if tonumber(ARGV[4]) > 0 then
  redis.call('SREM', KEYS[2], ARGV[1])
  redis.call('EXPIRE', KEYS[3], ARGV[4])
end
return 1
