-- Writes what an agent says of an instance, unless the instance belongs to another host by now or is gone.
-- KEYS[1] what its host says of it (hash)
-- ARGV[1] the instance's key: not among KEYS, as agents may only read it   ARGV[2] host id   ARGV[3] reported (JSON)
-- ARGV[4] the epoch it answers
-- Returns 1, or 0 when refused. Guarantee: an answer to an older epoch never replaces one to a newer.
local desired = redis.call('HGET', ARGV[1], 'desired')
if not desired then return 0 end
if cjson.decode(desired).hostId ~= ARGV[2] then return 0 end
local before = redis.call('HGET', KEYS[1], 'reported')
if before and cjson.decode(before).epoch > tonumber(ARGV[4]) then return 0 end
redis.call('HSET', KEYS[1], 'reported', ARGV[3])
return 1
