-- Gives a user a role in a tenant, another one, or none any more.
-- KEYS[1] user   KEYS[2] the tenant's members (user id → role)   KEYS[3] invitation
-- ARGV[1] user id   ARGV[2] tenant id   ARGV[3] role, or empty for none
-- ARGV[4] what the user must be before: `any`, `member`, or `invited` (any, and the invitation must be there, and is spent)
-- ARGV[5] `force` when the tenant may be left without an owner
-- Returns `done`; `gone` when there is no such user or member; `spent` when the invitation is gone; `last` when this would
-- leave the tenant without an owner; `kept` when an invitation offers less than the user is already, and is spent.
-- Guarantee: a membership is on both sides or on neither, and of two owners who leave at once one stays.
local ranks = { viewer = 1, member = 2, owner = 3 }
if redis.call('EXISTS', KEYS[1]) == 0 then return 'gone' end
local before = redis.call('HGET', KEYS[2], ARGV[1])
if ARGV[4] == 'member' and not before then return 'gone' end
if ARGV[4] == 'invited' then
  if redis.call('DEL', KEYS[3]) == 0 then return 'spent' end
  if before and ranks[before] >= ranks[ARGV[3]] then return 'kept' end
end
if before == 'owner' and ARGV[3] ~= 'owner' and ARGV[5] ~= 'force' then
  local owners = 0
  for _, role in ipairs(redis.call('HVALS', KEYS[2])) do
    if role == 'owner' then owners = owners + 1 end
  end
  if owners <= 1 then return 'last' end
end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], 'member ' .. ARGV[2])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[1], 'member ' .. ARGV[2], ARGV[3])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
end
return 'done'
