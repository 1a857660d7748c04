-- Replaces an app's formation, and lists a change of sizes among its releases.
-- KEYS[1] app   KEYS[2] the tenant's promises (counter)   KEYS[3] releases (list)
-- ARGV[1] formation (JSON)   ARGV[2] the promises that the decision was made on   ARGV[3] entry without version (JSON), or ''
-- Returns 1, 0 when the app is gone, or -1 when the tenant was promised something meanwhile: decide again.
-- Guarantee: of two decisions on one state one is taken; no size changes without its entry, whose version leaves no gap.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if tonumber(redis.call('GET', KEYS[2]) or '0') ~= tonumber(ARGV[2]) then return -1 end
redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'formation', ARGV[1])
-- Spliced in as text, as in createRelease.lua.
if ARGV[3] ~= '' then
  redis.call('RPUSH', KEYS[3], '{"version":' .. redis.call('LLEN', KEYS[3]) + 1 .. ',' .. string.sub(ARGV[3], 2))
end
return 1
