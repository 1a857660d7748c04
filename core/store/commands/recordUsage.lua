-- Counts what a subject (an instance's life, a build, a router's share of an app) used since its sample before.
-- KEYS[1] meter of the subject: its sums as of the last sample, or 'ended'
-- KEYS[2..4] the app's buckets of minutes, hours and days (hashes: index → values)   KEYS[5..7] the tenant's
-- ARGV[1] kinds of the values, a letter each: s, a sum since the subject's beginning; p, a peak since the sample before
-- ARGV[2] values: whole numbers, separated by blanks   ARGV[3] 1: the last sample   ARGV[4] how long to keep the meter, ms
-- ARGV[5..10] index and time of expiry (ms since 1970) of the bucket of minutes, hours, days
-- Returns 1 if anything was new, else 0. Guarantee: sums are cumulative and only their increase is added, peaks are
-- maxima: a sample that comes twice, late, out of order or after a lost one leaves the sums as if it had come once.
local function parse(text)
  local numbers = {}
  for number in string.gmatch(text or '', '%d+') do numbers[#numbers + 1] = tonumber(number) end
  return numbers
end

local function format(numbers)
  local texts = {}
  for i, number in ipairs(numbers) do texts[i] = string.format('%.0f', number) end
  while texts[#texts] == '0' do texts[#texts] = nil end
  return table.concat(texts, ' ')
end

local kinds = ARGV[1]
local known = redis.call('GET', KEYS[1])
if known == 'ended' then return 0 end
local before, now = parse(known), parse(ARGV[2])

local sums, increase, news = {}, {}, false
for i = 1, #kinds do
  local value = now[i] or 0
  if string.sub(kinds, i, i) == 'p' then
    sums[i], increase[i] = 0, value
  else
    local last = before[i] or 0
    sums[i], increase[i] = math.max(last, value), math.max(0, value - last)
    news = news or value > last
  end
end

local ended = ARGV[3] == '1'
redis.call('SET', KEYS[1], ended and 'ended' or format(sums), 'PX', ARGV[4])
if not news then return 0 end

for resolution = 0, 2 do
  local index, expiry = ARGV[5 + 2 * resolution], ARGV[6 + 2 * resolution]
  for _, key in ipairs({ KEYS[2 + resolution], KEYS[5 + resolution] }) do
    local bucket = parse(redis.call('HGET', key, index))
    for i = 1, #kinds do
      local value = bucket[i] or 0
      bucket[i] = string.sub(kinds, i, i) == 'p' and math.max(value, increase[i]) or value + increase[i]
    end
    redis.call('HSET', key, index, format(bucket))
    redis.call('PEXPIREAT', key, expiry)
  end
end
return 1
