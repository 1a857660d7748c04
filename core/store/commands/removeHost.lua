-- Forgets a host that is gone.
-- KEYS[1] lease   KEYS[2] all hosts (set)   KEYS[3…] what is stored of it
-- ARGV[1] host
-- Returns 1, or 0 while it lives.
-- Guarantee: a host that registers at the same moment stays.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('SREM', KEYS[2], ARGV[1])
for index = 3, #KEYS do redis.call('DEL', KEYS[index]) end
return 1
