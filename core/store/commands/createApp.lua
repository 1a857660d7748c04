-- Claims an app's name and writes its record.
-- KEYS[1] name index   KEYS[2] app
-- ARGV[1] name   ARGV[2] app id   ARGV[3] record (JSON)
-- Returns 1, or 0 when the name is taken. Guarantee: no two apps have one name, and no name is without a record.
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], 'record', ARGV[3], 'formation', '{}', 'config', '{}')
return 1
