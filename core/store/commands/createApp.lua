-- Claims an app's name and writes its record.
-- KEYS[1] name index   KEYS[2] app   KEYS[3] the tenant's promises (counter)
-- ARGV[1] name   ARGV[2] app id   ARGV[3] record (JSON)   ARGV[4] the promises that the decision was made on
-- Returns 1, 0 when the name is taken, or -1 when the tenant was promised something meanwhile: decide again.
-- Guarantee: no two apps have one name, no name is without a record, and of two decisions on one state one is taken.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
if tonumber(redis.call('GET', KEYS[3]) or '0') ~= tonumber(ARGV[4]) then return -1 end
redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], 'record', ARGV[3], 'formation', '{}', 'config', '{}')
return 1
