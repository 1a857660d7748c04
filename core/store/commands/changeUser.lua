-- Changes fields of an account that is there.
-- KEYS[1] user
-- ARGV[1] field   ARGV[2] value, empty to remove the field   and so on, in pairs
-- Returns 1, or 0 when there is no such account.
-- Guarantee: an account that was removed does not come back in part.
if redis.call('HEXISTS', KEYS[1], 'record') == 0 then return 0 end
for at = 1, #ARGV, 2 do
  if ARGV[at + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[at])
  else redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
end
return 1
