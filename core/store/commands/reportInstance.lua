-- Writes what an agent says of an instance, unless the instance belongs to another host by now or is gone.
-- KEYS[1] instance
-- ARGV[1] host id   ARGV[2] reported (JSON)   ARGV[3] the epoch it answers
-- Returns 1, or 0 when refused. Guarantee: an answer to an older epoch never replaces one to a newer.
local desired = redis.call('HGET', KEYS[1], 'desired')
if not desired then return 0 end
if cjson.decode(desired).hostId ~= ARGV[1] then return 0 end
local before = redis.call('HGET', KEYS[1], 'reported')
if before and cjson.decode(before).epoch > tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'reported', ARGV[2])
return 1
