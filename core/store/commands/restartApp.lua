-- Raises the generation of the release that serves, so that its instances are replaced by new ones.
-- KEYS[1] app
-- ARGV[1] now (ms)
-- Returns 1, or 0 when the app is gone or has no target.
-- Guarantee: a release that is made at the same time stays the target; a target whose rollout failed gives way to the release that serves.
local function read(field)
  local text = redis.call('HGET', KEYS[1], field)
  local value = text and cjson.decode(text)
  if type(value) == 'table' then return value end
  return nil
end
local target, current, rollout = read('target'), read('current'), read('rollout')
if not target then return 0 end
local failed = rollout and rollout.state == 'failed'
  and rollout.target.release == target.release and rollout.target.generation == target.generation
local release = (failed and current or target).release
local generation = 0
for _, seen in pairs({ target, current }) do
  if seen.release == release and seen.generation >= generation then generation = seen.generation + 1 end
end
redis.call('HSET', KEYS[1], 'target', string.format('{"release":%d,"generation":%d,"since":%s}', release, generation, ARGV[1]))
return 1
