-- Adds one record to a member's trail, by hand: in one step with its time to live, so that no stream is kept for ever.
--
-- KEYS  1 <prefix>:{bNNNN}:<member>:audit   stream: what happened
-- ARGV  1 records that the stream keeps     2 retention, in milliseconds
--       then the fields of the record, each as name and value; none is `version`, which tells a turn's records

-- A stream that is there and never expires is that of a member at whom an effect is open: that is the commits' to end.
local lives = redis.call('PTTL', KEYS[1])
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 3))
if lives ~= -1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return id
