-- Raises the version that routers compare, after a change beside the certificates.
-- KEYS[1] version
-- Returns the new version. Guarantee: it only rises, by Redis's clock (see putCertificate.lua).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local version = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0') + 1)
redis.call('SET', KEYS[1], string.format('%.0f', version))
return version
