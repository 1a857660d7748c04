-- Writes what an agent says of a stack that it builds, unless the stack is gone.
-- KEYS[1] stack
-- ARGV[1] report (JSON)
-- Returns 1, or 0 when the stack is gone. Guarantee: a destroyed stack is not half brought back.
if redis.call('HEXISTS', KEYS[1], 'record') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'report', ARGV[1])
return 1
