-- Takes a layer that nothing needs, to delete it; only if it has been condemned for long enough and nobody wants it.
-- KEYS[1] condemned (hash: digest → when, or 'deleting')   KEYS[2] wanted (hash: digest → when)
-- ARGV[1] digest   ARGV[2] condemned at this time (ms) or before   ARGV[3] wanted before this time (ms)
-- Returns 1 when it is the caller's to delete, else 0.
-- Guarantee: until the caller forgets the layer (HDEL from condemned), nobody is told that it is there.
local since = redis.call('HGET', KEYS[1], ARGV[1])
if not since then return 0 end
if since ~= 'deleting' then
  if tonumber(since) > tonumber(ARGV[2]) then return 0 end
  local wanted = redis.call('HGET', KEYS[2], ARGV[1])
  if wanted and tonumber(wanted) >= tonumber(ARGV[3]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], 'deleting')
return 1
