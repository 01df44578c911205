-- Adds one record to a member's trail, by hand: in one step with its time to live, so that no stream is kept for ever.
--
-- KEYS  1 <prefix>:{bNNNN}:<member>:audit   stream: what happened
--       2 <prefix>:{bNNNN}:<member>         hash: the member's state
-- ARGV  1 records that the stream keeps     2 retention, in milliseconds
--       then the fields of the record, each as name and value; none is `version`, which tells a turn's records

local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 3))
if (redis.call('HGET', KEYS[2], 'pending') or '') == '' then  -- else no key expires: an effect is open
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return id
