-- Lets a caller in, or says how long it has to wait: the generic cell rate algorithm (ITU-T I.371), by Redis's own clock.
-- KEYS[1] when the caller's credit will be full again, in ms
-- ARGV[1] how much of that a call costs, in ms   ARGV[2] the most that may be owed, in ms
-- Returns {1 or 0, what is owed in ms, how long to wait in ms}
-- Guarantee: all controllers together let as many calls in as one would. A refused call costs nothing.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local cost, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local owed = math.max(0, tonumber(redis.call('GET', KEYS[1]) or '0') - now)
if owed + cost > most then return {0, math.ceil(owed), math.ceil(owed + cost - most)} end
redis.call('SET', KEYS[1], string.format('%.3f', now + owed + cost), 'PX', math.ceil(owed + cost) + 1000)
return {1, math.ceil(owed + cost), 0}
