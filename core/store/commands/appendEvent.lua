-- Adds an event to an app's list, to the feed of all apps, and to what is to be told to webhooks; drops the oldest above the limits.
-- KEYS[1] app   KEYS[2] the app's events   KEYS[3] the feed (stream)   KEYS[4] outbox (stream)
-- ARGV[1] event (JSON)   ARGV[2] how many of the app are kept   ARGV[3] the app's id   ARGV[4] how many of the feed, about
-- ARGV[5] the outbox's entry (JSON)   ARGV[6] how many may wait there
-- Returns 1, or 0 when the app is gone. Guarantee: a destroyed app's list is not made anew; what is listed is told.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('LPUSH', KEYS[2], ARGV[1])
redis.call('LTRIM', KEYS[2], 0, ARGV[2] - 1)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'app', ARGV[3], 'event', ARGV[1])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], '*', 'entry', ARGV[5])
return 1
