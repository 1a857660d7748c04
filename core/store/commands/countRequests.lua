-- Counts the requests that an instance answered, of which each router tells its own since it began.
-- KEYS[1] the instance's requests (hash: router -> its count; `sum`: of all)
-- ARGV[1] the instance's key: not among KEYS, as routers may not write it   ARGV[2] router   ARGV[3] its count
-- Returns 1 if anything was new, else 0. Guarantee: counts only grow and only their increase is added, so one that comes
-- twice, late or out of order changes nothing; of an instance that was forgotten nothing comes back.
if redis.call('EXISTS', ARGV[1]) == 0 then return 0 end
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[2]) or '0')
local count = tonumber(ARGV[3])
if count <= before then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('HINCRBY', KEYS[1], 'sum', count - before)
return 1
