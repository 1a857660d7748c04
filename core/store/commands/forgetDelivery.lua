-- Takes a delivery out of those that wait, if it is among them, and says anew when its webhook is due.
-- KEYS[1] those that wait, by when they are due   KEYS[2] webhooks for which something waits, by when it is due
-- ARGV[1] webhook id   ARGV[2] delivery id, or empty
-- Returns 1. Guarantee: a webhook for which something waits is among those that are due at that time.
redis.call('ZREM', KEYS[1], ARGV[2])
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first[1] then
  redis.call('ZADD', KEYS[2], first[2], ARGV[1])
else
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return 1
