-- Writes how far the clock of a job is.
-- KEYS[1] app   KEYS[2] the app's clocks
-- ARGV[1] field   ARGV[2] what was read ('' for nothing)   ARGV[3] what is to be
-- Returns 1, or 0 when the app is gone or the clock has moved since it was read.
-- Guarantee: of two controllers that decide on one state one goes on; a destroyed app's clocks are not made anew.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if (redis.call('HGET', KEYS[2], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return 1
