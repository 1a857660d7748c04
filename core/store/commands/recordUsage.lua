-- Adds what a subject (an instance's life, a build, a router's share of an app) used since its last sample to its app's totals.
-- KEYS[1] meter of the subject (hash)   KEYS[2] totals of the app (hash)
-- ARGV[1] seconds to keep the meter   then pairs: field, cumulative value
-- Returns 1. Guarantee: samples are cumulative, so one delivered twice, late or after a lost one counts exactly once.
for i = 2, #ARGV, 2 do
  local before = tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or '0')
  local value = tonumber(ARGV[i + 1])
  if value > before then
    redis.call('HINCRBYFLOAT', KEYS[2], ARGV[i], string.format('%.6f', value - before))
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[1]))
return 1
