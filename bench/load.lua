-- wrk script: call updates, each unique, four statuses per call in their order.
-- Arguments: KEY RUN BATCH SIZE ENDPOINTS. RUN makes the call ids of this run unique, BATCH is updates per request (1: a single object),
-- SIZE is the bytes of one update (padded with a call variable), ENDPOINTS how many numbers the calls go to.
--
-- Requests of one thread go out on many connections at once, so two neighbours may overtake each other on their way in. The statuses of a
-- call are therefore a whole ring of calls apart, far more than there are connections.

local RING = 2000
local STATUSES = { "starting", "ringing", "ongoing", "completed" }
local FROM = "+61255500001"

local counter = 0
function setup(thread)
  thread:set("number", counter)
  counter = counter + 1
end

local key, run, batch, size, endpoints, head, pad
local base, step, at = 0, 1, 0

local function clock() return os.date("!%Y-%m-%dT%H:%M:%S") .. ".000Z" end

local function update(call, status, stamp)
  local number = call % endpoints
  return string.format(
    '{"id":"%s-%d-%09d-%d","type":"call.%s","at":"%s","call":{"id":"%s-%d-%09d","direction":"inbound","from":"%s","to":"+6128880%04d","vars":{"pad":"%s"}},"data":{}}',
    run, number_of_thread, call, status, STATUSES[status], stamp, run, number_of_thread, call, FROM, number, pad)
end

function init(args)
  key, run, batch, size, endpoints = args[1], args[2], tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
  number_of_thread = number
  pad = ""
  pad = string.rep("x", math.max(0, size - #update(0, 1, clock())))
  head = "POST /v1/events HTTP/1.1\r\nHost: " .. wrk.host .. "\r\nAuthorization: Bearer " .. key
    .. "\r\nContent-Type: application/json\r\nContent-Length: "
  stamp = clock()
end

local function next_update()
  local text = update(base + at, step, stamp)
  at = at + 1
  if at == RING then
    at = 0
    stamp = clock()
    step = step + 1
    if step > 4 then
      step = 1
      base = base + RING
    end
  end
  return text
end

function request()
  local body
  if batch == 1 then
    body = next_update()
  else
    local parts = {}
    for i = 1, batch do parts[i] = next_update() end
    body = "[" .. table.concat(parts, ",") .. "]"
  end
  return head .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'JSON {"requests":%d,"seconds":%.4f,"refused":%d,"broken":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
