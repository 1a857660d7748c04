-- Replaces an app's formation.
-- KEYS[1] app   KEYS[2] the tenant's promises (counter)
-- ARGV[1] formation (JSON)   ARGV[2] the promises that the decision was made on
-- Returns 1, 0 when the app is gone, or -1 when the tenant was promised something meanwhile: decide again.
-- Guarantee: of two decisions on one state one is taken.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if tonumber(redis.call('GET', KEYS[2]) or '0') ~= tonumber(ARGV[2]) then return -1 end
redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'formation', ARGV[1])
return 1
