-- Makes a release that was made without becoming the target the target.
-- KEYS[1] app
-- ARGV[1] version   ARGV[2] now (ms)
-- Returns 1, or 0 when the app is gone, or its target is this release or a newer one. Guarantee: a late word never
-- brings back an older release.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local text = redis.call('HGET', KEYS[1], 'target')
local target = text and cjson.decode(text)
if type(target) == 'table' and target.release >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'target', string.format('{"release":%d,"generation":0,"since":%s}', ARGV[1], ARGV[2]))
return 1
