-- Adds an event to an app's list, to the feed of all apps, and to what is to be told to webhooks; drops the oldest above the limits.
-- KEYS[1] the app's events   KEYS[2] the feed (stream)   KEYS[3] outbox (stream)
-- ARGV[1] the app's key: not among KEYS, as agents may only read it   ARGV[2] event (JSON)   ARGV[3] how many of the app are kept
-- ARGV[4] the app's id   ARGV[5] how many of the feed, about   ARGV[6] the outbox's entry (JSON)   ARGV[7] how many may wait there
-- Returns 1, or 0 when the app is gone. Guarantee: a destroyed app's list is not made anew; what is listed is told.
if redis.call('EXISTS', ARGV[1]) == 0 then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[2])
redis.call('LTRIM', KEYS[1], 0, ARGV[3] - 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'app', ARGV[4], 'event', ARGV[2])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[7], '*', 'entry', ARGV[6])
return 1
