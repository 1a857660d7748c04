-- Queues a message for a webhook, once.
-- KEYS[1] webhooks   KEYS[2] the webhook's deliveries   KEYS[3] those that are over   KEYS[4] those that wait, by when they are due
-- KEYS[5] webhooks for which something waits, by when it is due   KEYS[6] how many were dropped
-- ARGV[1] webhook id   ARGV[2] delivery id   ARGV[3] delivery (JSON)   ARGV[4] when it is due   ARGV[5] how many may wait
-- Returns 1; 0 when the webhook is gone or has it already; -1 when too many wait: then it is counted as dropped.
-- Guarantee: a removed webhook's deliveries are not made anew.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then return 0 end
if redis.call('ZCARD', KEYS[4]) >= tonumber(ARGV[5]) then
  redis.call('HINCRBY', KEYS[6], ARGV[1], 1)
  return -1
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[4], ARGV[4], ARGV[2])
local first = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
redis.call('ZADD', KEYS[5], first[2], ARGV[1])
return 1
