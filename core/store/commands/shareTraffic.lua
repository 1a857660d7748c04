-- Divides what a tenant, or an app, may take of the routers among them. A router reports what it holds and wants, and is told
-- its share.
-- A flow (requests, bytes) is a token bucket that all routers share: each fills its own at its share of the rate, and what
-- it made is taken from the pool, which grows at the whole rate; what nobody made is in the pool and goes to whom it lacks.
-- Half of the burst stays there while all have enough (a quarter while there is one router only), for a router that is new or
-- is needed suddenly; while one has less than it wants, the others hold no more than they need until their next report.
-- A count (requests in flight, connections) is divided as whole numbers: whoever does not need more holds only a part of
-- what the others leave, so that whoever joins finds some, even while the lease of one that was killed lasts.
-- KEYS[1] account (hash): 'pool', and one field per router, numbers separated by blanks
-- ARGV[1] router   ARGV[2] now (ms); '' for Redis's clock
-- ARGV[3] 'join': it knows nothing of the account yet; 'renew': it was told its share before; 'leave'
-- ARGV[4] 1 when it has less than it wants, else 0   ARGV[7] how many routers there are, with those that do not share yet
-- ARGV[5] of each of 3 flows: rate per second (-1: no limit), burst, share in use (0 to 1), tokens held, tokens made since it
--         joined, tokens wanted per second
-- ARGV[6] of each of 3 counts: limit (-1: no limit), allowance in use, used, wanted
-- Returns numbers separated by blanks: 1 when one of the others has less than it wants; of each flow the share and the most
-- tokens to hold from now on, and how many to add (take away, if below zero); of each count the allowance.
-- Guarantee: the shares that routers hold never add up to more than 1, nor allowances to more than the limit: a share that
-- shrinks is free only when its router has reported that it uses the smaller one. All tokens ever taken are at most the burst
-- and what the rate is worth; what is overdrawn (a router that joins, a late report) is owed to the pool.
local LEASE = 3000   -- A router that was silent for so long has left (ms).
local UNTOLD = 300   -- What a router may have made since its report is kept back for so long at most (ms).
local LEAST = 0.1    -- This part of everything is divided evenly, so that a router that nobody used has something.
local ROOM = 1.1     -- So much more than what was asked of a router lately is taken for what it wants.
local ALONE = 0.75   -- A router that is alone holds this part of the burst while it has enough.
local CALM = 0.75    -- While all together want less than this part of the rate, what is owed is taken back half at a time.
local FEW = 16       -- Of less than that, and of a smaller burst, nothing is left for who may come.
local NEED = 1.25    -- So much more of a count than was used lately is held.
local NEEDED = 0.3   -- What lasts until the next report but one (s).
local FLOWS, COUNTS = 3, 3

local function parse(text)
  local numbers = {}
  for word in string.gmatch(text or '', '%S+') do numbers[#numbers + 1] = tonumber(word) end
  return numbers
end

local function format(numbers)
  local texts = {}
  for i, number in ipairs(numbers) do texts[i] = string.format('%.14g', number) end
  return table.concat(texts, ' ')
end

-- The part of one that a router gets which wants `mine` of it: nobody gets more than it wants while another wants more than
-- it gets, and what nobody wants is divided evenly.
local function partOf(mine, others, absent)
  local least = LEAST / (#others + 1 + absent)
  local wants = {}
  for i = 1, absent do wants[i] = least end
  for _, want in ipairs(others) do wants[#wants + 1] = math.max(least, want) end
  mine = math.max(least, mine)
  wants[#wants + 1] = mine
  table.sort(wants)
  local left = 1
  for i, want in ipairs(wants) do
    local even = left / (#wants - i + 1)
    if want > even then return math.min(mine, even) end
    left = left - want
  end
  return mine + left / #wants
end

-- ── who shares ──────────────────────────────────────────────────────────────────────────────────────────────────────
local me, mode = ARGV[1], ARGV[3]
local flows, counts = parse(ARGV[5]), parse(ARGV[6])
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end

-- A router's numbers: seen, has less than it wants; of each flow share, tokens, made, wanted; of each count held, wanted.
local function flowAt(k) return 2 + (k - 1) * 4 end
local function countAt(k) return 2 + FLOWS * 4 + (k - 1) * 2 end

local pool, mine, others = nil, nil, {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local numbers = parse(fields[i + 1])
  if fields[i] == 'pool' then pool = numbers
  elseif now - numbers[1] > LEASE then redis.call('HDEL', KEYS[1], fields[i])
  elseif fields[i] == me then mine = numbers
  else others[#others + 1] = numbers end
end
if mode == 'leave' and not mine then return '' end

-- The pool: when it was kept anew, when it was filled last, and its tokens; more than any burst means full.
if not pool then pool = { -LEASE, now, 1e300, 1e300, 1e300 } end
-- Redis was away, and all tokens are with the routers that went on by themselves.
if mode == 'renew' and not mine and #others == 0 then pool = { now, now, 0, 0, 0 } end
local elapsed = math.max(0, now - pool[2])
pool[2] = math.max(now, pool[2])

local absent = math.max(0, (tonumber(ARGV[7]) or 1) - #others - 1)
local amShort, answer = ARGV[4] == '1', { 0 }
local kept = { now, amShort and 1 or 0 }
local keepMs = 60000
for _, other in ipairs(others) do answer[1] = math.max(answer[1], other[2]) end
local othersShort = answer[1] == 1

-- ── flows ───────────────────────────────────────────────────────────────────────────────────────────────────────────
for k = 1, FLOWS do
  local rate, burst, using, tokens, made, wanted = unpack(flows, k * 6 - 5, k * 6)
  local at = flowAt(k)
  local share, cap, grant = 1, 0, 0
  if rate >= 0 then
    local held, theirs, untold, wishes, wants = 0, 0, 0, wanted, {}
    for i, other in ipairs(others) do
      local part, has, wish = other[at + 1], other[at + 2], other[at + 4]
      local since = math.min(now - other[1], UNTOLD) / 1000
      held = held + part
      theirs = theirs + math.max(0, has)
      wishes = wishes + wish
      untold = untold + math.min(rate * part * since, math.max(0, math.max(1, part * burst) - has) + wish * since)
      wants[i] = rate > 0 and wish * ROOM / rate or 0
    end

    local owed = mine and made - mine[at + 3] or made
    if not mine then
      if mode == 'renew' then owed = now - pool[1] <= LEASE and 0 or tokens end
      pool[2 + k] = math.min(pool[2 + k] + rate * elapsed / 1000, burst - theirs)
    else
      pool[2 + k] = pool[2 + k] + rate * elapsed / 1000
    end
    local left = math.max(-burst, math.min(pool[2 + k] - owed, burst - theirs - math.max(0, tokens)))

    local part = partOf(rate > 0 and wanted * ROOM / rate or 0, wants, absent)
    share = math.max(0, math.min(part, 1 - held))
    cap = part * burst
    -- Who joins has little yet, and takes no more than those who have enough.
    local modest = not amShort or not mine
    if not amShort and othersShort then cap = math.min(cap, math.max(wanted * NEEDED, cap * LEAST))
    elseif modest and #others + absent > 0 then cap = cap / 2
    elseif modest and burst >= FEW then cap = cap * ALONE end
    cap = math.max(1, cap)
    local room = cap - tokens
    if mode == 'leave' then grant = -math.max(0, tokens)
    elseif room < 0 then grant = room
    elseif left < 0 then grant = -math.min(-left, math.max(0, tokens) * (wishes < rate * CALM and 0.5 or 1))
    else grant = math.min(room, math.max(0, left - untold) * math.max(part, 0.5)) end
    pool[2 + k] = left - grant
    kept[at + 1] = math.max(mine and math.min(using, mine[at + 1]) or 0, share)
    kept[at + 2], kept[at + 3], kept[at + 4] = tokens + grant, made, wanted
    keepMs = math.max(keepMs, rate > 0 and math.min(86400000, 2000 * burst / rate) or 86400000)
  else
    pool[2 + k] = 1e300
    kept[at + 1], kept[at + 2], kept[at + 3], kept[at + 4] = 0, 0, 0, 0
  end
  answer[#answer + 1] = share
  answer[#answer + 1] = cap
  answer[#answer + 1] = grant
end

-- ── counts ──────────────────────────────────────────────────────────────────────────────────────────────────────────
for k = 1, COUNTS do
  local limit, using, used, wanted = unpack(counts, k * 4 - 3, k * 4)
  local at = countAt(k)
  local allowance = -1
  if limit >= 0 then
    local held, wants = 0, {}
    for i, other in ipairs(others) do
      held = held + other[at + 1]
      wants[i] = limit > 0 and other[at + 2] * ROOM / limit or 0
    end
    local part = limit * partOf(limit > 0 and wanted * ROOM / limit or 0, wants, absent)
    local whole = math.floor(part + 1e-9)
    if wanted > whole then whole = math.ceil(part - 1e-9) end
    local free = math.max(0, limit - held)
    -- Others may join before those who are there have shrunk, so who joins takes less than they, and at once asks for more.
    local parts = #others == 0 and 2 or mine and 3 or 4
    local enough = limit < FEW and free or math.max(math.ceil(wanted * NEED), math.ceil(free / parts))
    allowance = math.max(0, math.min(whole, free, enough))
    kept[at + 1] = math.max(allowance, used, mine and math.min(using, mine[at + 1]) or 0)
    kept[at + 2] = math.max(wanted, used)
  else
    kept[at + 1], kept[at + 2] = 0, 0
  end
  answer[#answer + 1] = allowance
end

if mode == 'leave' then redis.call('HDEL', KEYS[1], me)
else redis.call('HSET', KEYS[1], me, format(kept)) end
redis.call('HSET', KEYS[1], 'pool', format(pool))
redis.call('PEXPIRE', KEYS[1], math.ceil(keepMs))
return format(answer)
