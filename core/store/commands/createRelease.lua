-- Appends a release with the next version and, unless told not to, makes it the target; writes the app's config if the release changes it.
-- KEYS[1] releases (list)   KEYS[2] app   KEYS[3] the tenant's promises (counter)
-- ARGV[1] release without version (JSON)   ARGV[2] deploy id   ARGV[3] now (ms)   ARGV[4] formation (JSON) to set, or ''
-- ARGV[5] the promises that the formation was decided on   ARGV[6] 1: it becomes the target
-- Returns the version, -1 when the app is gone, or -2 when the tenant was promised something meanwhile: decide again. Run again for the same deploy it returns the version made before: a deploy makes one release.
-- Guarantee: versions have no gaps, and a release that becomes the target is never there without being it. (Changes of sizes
-- have versions of the same row, see setFormation.lua; they are no releases.)
if redis.call('EXISTS', KEYS[2]) == 0 then return -1 end
local count = redis.call('LLEN', KEYS[1])
for i = count - 1, math.max(0, count - 20), -1 do
  local made = cjson.decode(redis.call('LINDEX', KEYS[1], i))
  if made.deployId == ARGV[2] then return made.version end
end
if ARGV[4] ~= '' then
  if tonumber(redis.call('GET', KEYS[3]) or '0') ~= tonumber(ARGV[5]) then return -2 end
  redis.call('INCR', KEYS[3])
end
local version = count + 1
-- The version is spliced in as text: decoding and encoding again would turn empty objects into arrays.
redis.call('RPUSH', KEYS[1], '{"version":' .. version .. ',' .. string.sub(ARGV[1], 2))
local generation = 0
if ARGV[6] == '1' then redis.call('HSET', KEYS[2], 'target', '{"release":' .. version .. ',"generation":' .. generation .. ',"since":' .. ARGV[3] .. '}') end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'formation', ARGV[4]) end
return version
