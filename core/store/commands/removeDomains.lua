-- Gives up an app's claim on one address, or all of them, and with the last claim on a host the host.
-- KEYS[1] app   KEYS[2] the tenant's addresses (address → app id)
-- ARGV[1] address, or empty for all   ARGV[2] prefix of the holders of a host   ARGV[3] prefix of the holders below a parent
-- Returns how many there were.
-- Guarantee: what an app claims until this moment is freed, also what nobody had read: so the keys of the holders are made here,
-- from the addresses that the app has.
local removed = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local address = string.match(field, '^domain (.+)$')
  if address and (ARGV[1] == '' or address == ARGV[1]) then
    local host = string.match(address, '^[^/]+')
    redis.call('HDEL', KEYS[1], field)
    redis.call('HDEL', KEYS[2], address)
    redis.call('HDEL', ARGV[2] .. host, address)
    redis.call('HDEL', ARGV[3] .. string.match(host, '^[^.]*%.(.+)$'), address)
    removed = removed + 1
  end
end
return removed
