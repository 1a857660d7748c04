-- Writes how a one-off run ended.
-- KEYS[1] run   KEYS[2] runs that are not over (set)
-- ARGV[1] id   ARGV[2] end (JSON)   ARGV[3] how long the record is kept from now on (s)
-- Returns 1, or 0 when the run is gone or has an end. Guarantee: a run ends once, by the first word on it.
redis.call('SREM', KEYS[2], ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'record') == 0 then return 0 end
if redis.call('HSETNX', KEYS[1], 'end', ARGV[2]) == 0 then return 0 end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
