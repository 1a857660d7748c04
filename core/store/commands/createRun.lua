-- Accepts a one-off run and numbers it.
-- KEYS[1] run   KEYS[2] app   KEYS[3] the app's runs (list, newest first)   KEYS[4] runs that are not over (set)
-- KEYS[5] the app's counter of runs   KEYS[6] the tenant's promises (counter)
-- ARGV[1] run id   ARGV[2] record without number (JSON)   ARGV[3] how many the list keeps
-- ARGV[4] the promises that it was decided on, or '' when it takes nothing of the tenant's plan
-- Returns its number, -1 when the app is gone, or -2 when the tenant was promised something meanwhile: decide again.
-- Guarantee: a run is made once, however often it is asked for; of two decisions on one state one is taken.
local known = redis.call('HGET', KEYS[1], 'record')
if known then return cjson.decode(known).number end
if redis.call('EXISTS', KEYS[2]) == 0 then return -1 end
if ARGV[4] ~= '' then
  if tonumber(redis.call('GET', KEYS[6]) or '0') ~= tonumber(ARGV[4]) then return -2 end
  redis.call('INCR', KEYS[6])
end
local number = redis.call('INCR', KEYS[5])
-- Spliced in as text: decoding and encoding again would turn empty objects into arrays.
redis.call('HSET', KEYS[1], 'record', '{"number":' .. number .. ',' .. string.sub(ARGV[2], 2))
redis.call('LPUSH', KEYS[3], ARGV[1])
redis.call('LTRIM', KEYS[3], 0, ARGV[3] - 1)
redis.call('SADD', KEYS[4], ARGV[1])
return number
