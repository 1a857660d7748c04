-- Makes an account, with a first membership if there is one.
-- KEYS[1] e-mail index (email → user id)   KEYS[2] user   KEYS[3] the tenant's members (user id → role)   KEYS[4] invitation
-- ARGV[1] email   ARGV[2] user id   ARGV[3] record (JSON)   ARGV[4] `1` for an operator, else `0`
-- ARGV[5] password hash, or empty   ARGV[6] tenant id, or empty   ARGV[7] role
-- ARGV[8] `invited` when the invitation must be there, and is spent
-- Returns `made`, `taken` when the address has an account, or `spent` when the invitation is gone.
-- Guarantee: no two accounts have one address, an invitation makes one account, and a membership is on both sides or on neither.
if ARGV[8] == 'invited' and redis.call('EXISTS', KEYS[4]) == 0 then return 'spent' end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'taken' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], 'record', ARGV[3], 'operator', ARGV[4])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[2], 'password', ARGV[5]) end
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[2], 'member ' .. ARGV[6], ARGV[7])
  redis.call('HSET', KEYS[3], ARGV[2], ARGV[7])
end
if ARGV[8] == 'invited' then redis.call('DEL', KEYS[4]) end
return 'made'
