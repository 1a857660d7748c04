-- Writes an agent's word on a build.
-- KEYS[1] what the host says of it
-- ARGV[1] the deploy's key: not among KEYS, as agents may only read it   ARGV[2] epoch   ARGV[3] report (JSON)
-- ARGV[4] how long it is kept (s)
-- Returns 1, or 0 when the deploy is gone, is in a newer epoch, or this epoch already ended. Guarantee: a build ends once.
local epoch = redis.call('HGET', ARGV[1], 'buildEpoch')
if not epoch or tonumber(epoch) ~= tonumber(ARGV[2]) then return 0 end
local before = redis.call('GET', KEYS[1])
if before then
  local was = cjson.decode(before)
  if was.epoch == tonumber(ARGV[2]) and was.state ~= 'running' then return 0 end
end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
return 1
