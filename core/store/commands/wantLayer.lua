-- Says that a layer is about to be used, so that it is not collected.
-- KEYS[1] condemned (hash: digest → when, or 'deleting')   KEYS[2] wanted (hash: digest → when)
-- ARGV[1] digest   ARGV[2] now (ms)
-- Returns 1, or 0 while the layer is being deleted: ask again.
-- Guarantee: after 1 the layer is not deleted before what was wanted lapses.
if redis.call('HGET', KEYS[1], ARGV[1]) == 'deleting' then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
