-- Writes how a delivery stands after a try, and how its webhook does.
-- KEYS[1] webhooks   KEYS[2] the webhook's deliveries   KEYS[3] those that are over   KEYS[4] those that wait, by when they are due
-- KEYS[5] webhooks for which something waits, by when it is due   KEYS[6] how webhooks do
-- ARGV[1] webhook id   ARGV[2] delivery id   ARGV[3] delivery (JSON)   ARGV[4] when it is due, or empty: it is over
-- ARGV[5] how many that are over are kept   ARGV[6] how the webhook does (JSON), or empty: as before
-- Returns 1, or 0 when the webhook is gone; then all of it is.
-- Guarantee: a delivery waits, or is among those that are over, and never neither.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
  redis.call('ZREM', KEYS[5], ARGV[1])
  return 0
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[6], ARGV[1], ARGV[6]) end
redis.call('LREM', KEYS[3], 0, ARGV[2])
if ARGV[4] ~= '' then
  redis.call('ZADD', KEYS[4], ARGV[4], ARGV[2])
else
  redis.call('ZREM', KEYS[4], ARGV[2])
  redis.call('LPUSH', KEYS[3], ARGV[2])
  for _, old in ipairs(redis.call('LRANGE', KEYS[3], ARGV[5], -1)) do redis.call('HDEL', KEYS[2], old) end
  redis.call('LTRIM', KEYS[3], 0, ARGV[5] - 1)
end
local first = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
if first[1] then
  redis.call('ZADD', KEYS[5], first[2], ARGV[1])
else
  redis.call('ZREM', KEYS[5], ARGV[1])
end
return 1
