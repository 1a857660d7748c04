-- Adds an event to an app's list and drops the oldest above the limit.
-- KEYS[1] app   KEYS[2] the app's events
-- ARGV[1] event (JSON)   ARGV[2] how many are kept
-- Returns 1, or 0 when the app is gone. Guarantee: a destroyed app's list is not made anew.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('LPUSH', KEYS[2], ARGV[1])
redis.call('LTRIM', KEYS[2], 0, ARGV[2] - 1)
return 1
