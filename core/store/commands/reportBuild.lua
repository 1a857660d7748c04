-- Writes an agent's word on a build.
-- KEYS[1] deploy
-- ARGV[1] epoch   ARGV[2] report (JSON)
-- Returns 1, or 0 when the deploy is gone, is in a newer epoch, or this epoch already ended. Guarantee: a build ends once.
local epoch = redis.call('HGET', KEYS[1], 'buildEpoch')
if not epoch or tonumber(epoch) ~= tonumber(ARGV[1]) then return 0 end
local before = redis.call('HGET', KEYS[1], 'build')
if before then
  local was = cjson.decode(before)
  if was.epoch == tonumber(ARGV[1]) and was.state ~= 'running' then return 0 end
end
redis.call('HSET', KEYS[1], 'build', ARGV[2])
return 1
