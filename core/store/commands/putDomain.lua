-- Writes an app's claim on an address: a new one, or the next state of one that is there.
-- KEYS[1] app   KEYS[2] the tenant's addresses (address → app id)
-- KEYS[3] the host's holders   KEYS[4] the holders of hosts directly below its parent   KEYS[5] of the wildcard above it
-- (each: address → tenant id, of verified claims only)
-- ARGV[1] address   ARGV[2] app id   ARGV[3] tenant id   ARGV[4] record (JSON), verified if there is no other holder
-- ARGV[5] the same, pending: what is written if it is not to be verified   ARGV[6] the token that was read, empty for a new one
-- ARGV[7] what to do: `claim` (verified at once if the tenant holds the host, else pending), `verify` or `note` (stay pending)
-- ARGV[8] `wildcard` or `exact`   ARGV[9] how many addresses an app may have
-- Returns `verified` or `pending` as written; `gone` when the app or the claim that was read is not there; `taken` when another
-- tenant holds the host or what overlaps; `own` when another app or claim of the tenant has the address; `full`.
-- Guarantee: a host is held by one tenant, and no tenant holds an exact host directly below another's wildcard.
if redis.call('EXISTS', KEYS[1]) == 0 then return 'gone' end
local field = 'domain ' .. ARGV[1]
local before = redis.call('HGET', KEYS[1], field)
if ARGV[6] == '' then
  if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 'own' end
  local count = 0
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(name, 1, 7) == 'domain ' then count = count + 1 end
  end
  if count >= tonumber(ARGV[9]) then return 'full' end
else
  if not before then return 'gone' end
  local read = cjson.decode(before)
  if read.token ~= ARGV[6] then return 'gone' end
  if read.state == 'verified' then return 'verified' end
end
if ARGV[7] == 'note' then
  redis.call('HSET', KEYS[1], field, ARGV[5])
  return 'pending'
end

-- Whether the tenant holds one of these already; nil when another does.
local function standing(key)
  local mine = false
  for _, tenant in ipairs(redis.call('HVALS', key)) do
    if tenant ~= ARGV[3] then return nil end
    mine = true
  end
  return mine
end
local host = standing(KEYS[3])
local overlapping = standing(ARGV[8] == 'wildcard' and KEYS[4] or KEYS[5])
if host == nil or overlapping == nil then return 'taken' end

local proven = host or (ARGV[8] == 'exact' and overlapping)
local verified = ARGV[7] == 'verify' or (ARGV[7] == 'claim' and proven)
redis.call('HSET', KEYS[1], field, verified and ARGV[4] or ARGV[5])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
if not verified then return 'pending' end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
if ARGV[8] == 'exact' then redis.call('HSET', KEYS[4], ARGV[1], ARGV[3]) end
return 'verified'
