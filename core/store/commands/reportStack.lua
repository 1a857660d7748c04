-- Writes what an agent says of a stack that it builds, unless the stack is gone.
-- KEYS[1] what the host says of it
-- ARGV[1] the stack's key: not among KEYS, as agents may only read it   ARGV[2] report (JSON)
-- Returns 1, or 0 when the stack is gone. Guarantee: a destroyed stack is not half brought back.
if redis.call('HEXISTS', ARGV[1], 'record') == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
