-- A booking as a team would write it on Redis: atomic, one counter a group, one set of citizens. No HTTP, no claim that
-- outlives a group, no sealed record.
-- KEYS: the hash of counters, the set of citizens. ARGV: group, capacity, citizen.
-- 1 booked, 0 full, 2 has one already.
if redis.call('SISMEMBER', KEYS[2], ARGV[3]) == 1 then
  return 2
end
local booked = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
if booked >= tonumber(ARGV[2]) then
  return 0
end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
redis.call('SADD', KEYS[2], ARGV[3])
return 1
