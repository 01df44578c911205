-- Commits one turn of one member, or says why not: all of it or nothing, in one slot.
-- Nothing is undone when a script fails midway, so each key is looked at or written to once before the first write
-- that would matter: what another program put there, of another type, fails the whole commit.
--
-- KEYS  1 <prefix>:{bNNNN}:<member>         hash: the member's state
--       2 <prefix>:{bNNNN}:<member>:seen    sorted set: messages that were decided, by time
--       3 <prefix>:{bNNNN}:<member>:audit   stream: what happened
--       4 <prefix>:{bNNNN}:due              sorted set: the members of the bucket at whom something is due, by when
-- ARGV  1 token of this commit              2 hash of the message, or '' for none
--       3 version that was read, or ''      4 retention, in milliseconds
--       5 entries that the stream keeps     6 'update', 'advance', 'take' or 'clear'
--       7 audit record, or ''               8 snapshot, '=' for the flow_data that is written, or ''
--       9 flow_data, or '' to leave it     10 how many unreadable fields follow, each as name, '+' .. raw or '-'
--      11 in how many milliseconds something is due, '-' for never, or '' to leave what is
--      12 what is due                     13 the question that it is about
--      14 '<owner or *> <effect id>' that must be open for this to count, or ''
--      15 what becomes of the effect that is open: '' leaves it, '-' settles it, 'take <lease>' takes it over if it is
--         to be had, '<status> <attempt> <length or -> <effect id>' opens or parks it
--       then the unreadable fields, then the other fields to write, each as name and value
-- Gives {'applied', version}, {'duplicate', hash} or {'conflict', hash}; where something became of an effect,
-- {'applied', hash}, {'taken', hash} if it was taken over, {'lost', hash} if what must be open is not, {'held'} if
-- nothing was to be written but who has it, and it was not to be had.
--
-- The hash says of an effect that is open: '<status> <attempt> <owner> <until> <effect id>'. The owner is the token of
-- the commit that took it up, '-' where it is parked; from <until> on it is to be had, with '-' never. As long as one
-- is open, no key expires: it would be forgotten that somebody may have paid.
--
-- The order of decisions matters: the client sends a commit again whose answer was cut, and must then hear "applied"
-- although its message is known by now. Time is the server's: workers' clocks differ.

local hash, seen, audit, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

-- The number that a text of digits says; nil for any other text, and beyond what a double counts exactly.
local function count(text)
  return string.find(text, '^%d+$') and #text < 16 and tonumber(text) or nil
end

local stored = redis.call('HMGET', hash, 'version', 'token', 'flow_data', 'quarantined', 'due', 'pending')
local open = stored[6]
if open == '' then
  open = false
end

local owner, id
if open then
  owner, id = string.match(open, '^%l+ %d+ (%S+) %S+ (.*)$')
end
-- Who took an effect up is known by it also after others have committed.
if stored[2] == ARGV[1] or owner == ARGV[1] then
  if ARGV[15] == '' then
    return {'applied', stored[1]}
  end
  if owner ~= ARGV[1] and string.find(ARGV[15], '^running ') then
    return {'lost', redis.call('HGETALL', hash)}
  end
  local taken = owner == ARGV[1] and string.find(ARGV[15], '^take ')
  return {taken and 'taken' or 'applied', redis.call('HGETALL', hash)}
end
if ARGV[14] ~= '' and ARGV[14] ~= (owner or '') .. ' ' .. (id or '') and ARGV[14] ~= '* ' .. (id or '') then
  return {'lost', redis.call('HGETALL', hash)}
end
if ARGV[2] ~= '' and redis.call('ZSCORE', seen, ARGV[2]) then
  return {'duplicate', redis.call('HGETALL', hash)}
end
if ARGV[6] ~= 'take' and (stored[1] or '') ~= ARGV[3] then
  return {'conflict', redis.call('HGETALL', hash)}
end

local unreadable = tonumber(ARGV[10])
local rest = 16
for _ = 1, unreadable do
  local raw = redis.call('HGET', hash, ARGV[rest])
  if (raw and '+' .. raw or '-') ~= ARGV[rest + 1] then
    return {'conflict', redis.call('HGETALL', hash)}
  end
  if ARGV[rest] == 'pending' then
    open = false  -- of a hash that is not known to be this member's
  end
  rest = rest + 2
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = string.format('%.0f', now)

-- What becomes of the effect, and in how long it is to be had: thirty years are never.
local length, what, question, taken = ARGV[11], ARGV[12], ARGV[13], false
if ARGV[15] ~= '' then
  local status, attempt, lease
  local wanted = string.match(ARGV[15], '^take (%d+)$')
  if wanted then
    local has, till
    if open then
      has, till, id = string.match(open, '^%l+ (%d+) %S+ (%d+) (.*)$')
    end
    if till and tonumber(till) <= now then
      status, attempt, lease, taken = 'running', has + 1, wanted, true
    elseif ARGV[6] == 'take' then
      return {'held'}
    end
  elseif ARGV[15] == '-' then
    open = false
  else
    status, attempt, lease, id = string.match(ARGV[15], '^(%l+) (%d+) (%S+) (.*)$')
  end
  if status then
    local till = lease == '-' and '-' or string.format('%.0f', now + lease)
    open = string.format('%s %d %s %s %s', status, attempt, status == 'running' and ARGV[1] or '-', till, id)
    length, what, question = lease == '-' and '1000000000000' or lease, 'effect', '0'
  end
end
-- From a time, so that a hash which expired and comes again never repeats a version. A double counts to 2^53.
local counted = string.find(ARGV[3], '^%d+$') and tonumber(ARGV[3]) or 0
if counted == 0 or counted >= 9007199254740991 then
  counted = time[1] * 1000000 + time[2]
end
local version = string.format('%.0f', counted + 1)

-- What is due stands in the hash as '<when> <what> <score in the due set> <question>'. An entry of the set only says
-- "look at this member": one that comes earlier than what is due does no harm, so most answers leave it where it is. A
-- score that is past is not relied upon: its entry may have been taken away by who looked. So it may be written first,
-- and stays without harm where a later key fails the commit; it is taken away last, for without it nobody looks.
local timer, obsolete = stored[5], false
if ARGV[6] == 'clear' or length == '-' then
  if timer and timer ~= '' then
    obsolete = redis.call('ZCARD', due) > 0  -- and it is a sorted set
    timer = ''
  end
elseif length ~= '' then
  length = tonumber(length)
  local score = timer and tonumber((string.match(timer, '^%d+ %l+ (%d+) ')))
  if not score or unreadable > 0 or score <= now or score > now + length then
    score = now + length
    redis.call('ZADD', due, string.format('%.0f', score), string.match(hash, '}:(.*)$'))
    -- The set outlives the hash of every member in it: of what is due later than a hash lives, nothing ever is.
    local lives = length + tonumber(ARGV[4])
    if redis.call('PTTL', due) < lives then
      redis.call('PEXPIRE', due, string.format('%.0f', lives + tonumber(ARGV[4])))
    end
  end
  timer = string.format('%.0f %s %.0f %s', now + length, what, score, question)
end

-- What is open is found by the set for as long as it is open.
if open and ARGV[6] ~= 'clear' and redis.call('PTTL', due) < 1000000000000 then
  redis.call('PEXPIRE', due, '2000000000000')
end

if ARGV[6] == 'take' then
  redis.call('HSET', hash, 'pending', open, 'due', timer)
  return {'taken', redis.call('HGETALL', hash)}
end

-- The stream first: see the head.
if ARGV[7] ~= '' then
  local snapshot = ARGV[8] == '=' and ARGV[9] or ARGV[8]
  if snapshot == '' then
    redis.call('XADD', audit, 'MAXLEN', '~', ARGV[5], '*', 'version', version, 'entries', ARGV[7])
  else
    redis.call('XADD', audit, 'MAXLEN', '~', ARGV[5], '*', 'version', version, 'entries', ARGV[7], 'flow_data', snapshot)
  end
end

if obsolete then
  redis.call('ZREM', due, string.match(hash, '}:(.*)$'))
end
if ARGV[6] == 'clear' then
  redis.call('DEL', hash)
else
  local fields = {'version', version, 'token', ARGV[1], 'updated_at', stamp}
  local n = 6
  if ARGV[6] == 'advance' then
    fields[n + 1], fields[n + 2] = 'previous', stored[3] or 'null'
    n = n + 2
  end
  if ARGV[9] ~= '' then
    fields[n + 1], fields[n + 2] = 'flow_data', ARGV[9]
    n = n + 2
  end
  -- What could not be read is put aside under a number that is never used again; of sixteen the oldest makes room.
  -- The counter may be what was damaged, so the names that are there count too.
  if unreadable > 0 then
    local number, kept = count(stored[4] or '') or 0, {}
    for _, name in ipairs(redis.call('HKEYS', hash)) do
      local found = count(string.match(name, '^quarantine:(%d+)$') or '')
      if found then
        kept[#kept + 1] = found
        number = math.max(number, found)
      end
    end
    table.sort(kept)
    local added = 0
    for i = 16, 15 + 2 * unreadable, 2 do
      if string.sub(ARGV[i + 1], 1, 1) == '+' then
        added = added + 1
        fields[n + 1] = string.format('quarantine:%.0f', number + added)
        fields[n + 2] = ARGV[i] .. '=' .. string.sub(ARGV[i + 1], 2)
        n = n + 2
      end
    end
    for i = 1, #kept + added - 16 do
      redis.call('HDEL', hash, string.format('quarantine:%.0f', kept[i]))
    end
    fields[n + 1], fields[n + 2] = 'quarantined', string.format('%.0f', number + added)
    n = n + 2
  end
  if timer ~= stored[5] then
    fields[n + 1], fields[n + 2] = 'due', timer
    n = n + 2
  end
  for i = rest, #ARGV do
    n = n + 1
    fields[n] = ARGV[i]
  end
  if open and open ~= stored[6] then
    fields[n + 1], fields[n + 2] = 'pending', open
  end
  redis.call('HSET', hash, unpack(fields))
  if stored[6] and not open then
    redis.call('HDEL', hash, 'pending')
  end
  if not open then
    redis.call('PEXPIRE', hash, ARGV[4])
  end
end

if ARGV[2] ~= '' then
  redis.call('ZADD', seen, stamp, ARGV[2])
  if counted % 8 == 0 then
    redis.call('ZREMRANGEBYSCORE', seen, '-inf', string.format('%.0f', now - tonumber(ARGV[4])))
  end
end
if open and ARGV[6] ~= 'clear' then
  redis.call('PERSIST', hash)
  redis.call('PERSIST', seen)
  redis.call('PERSIST', audit)
else
  redis.call('PEXPIRE', seen, ARGV[4])
  redis.call('PEXPIRE', audit, ARGV[4])
end
if ARGV[15] == '' or (ARGV[15] ~= '-' and open == stored[6]) then
  return {'applied', version}
end
return {taken and 'taken' or 'applied', redis.call('HGETALL', hash)}
