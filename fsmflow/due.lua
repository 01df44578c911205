-- Puts an entry of a due set right, if it is still the one that was looked at.
--
-- KEYS  1 <prefix>:{bNNNN}:due   sorted set: the members of the bucket at whom something is due, by when
-- ARGV  1 member                 2 score that was read             3 score to write, or '' to take the entry away
-- Gives 1 if it was, else 0: a commit has set another meanwhile, and it stands.

local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then
  return 0
end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
return 1
