-- wrk -s wrk.lua <origin> -- <marker> <keep|new> <path> …
-- Asks for the paths in turn. A right answer has status 200 and a body that ends with the marker.
local threads = {}
local requests = {}
local turn = 0
local marker

right, wrong = 0, 0

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  marker = args[1]
  local headers = { Host = wrk.headers['Host'] }
  if args[2] == 'new' then headers['Connection'] = 'close' end
  for index = 3, #args do table.insert(requests, wrk.format('GET', args[index], headers)) end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function response(status, headers, body)
  if status == 200 and body:sub(-#marker) == marker then right = right + 1 else wrong = wrong + 1 end
end

function done(summary, latency)
  local all = { right = 0, wrong = 0 }
  for _, thread in ipairs(threads) do
    all.right = all.right + thread:get('right')
    all.wrong = all.wrong + thread:get('wrong')
  end
  local errors = summary.errors
  print(string.format(
    'REPORT {"seconds":%f,"right":%d,"wrong":%d,"broken":%d,"p50":%f,"p99":%f,"max":%f,"cpuSeconds":%f}',
    summary.duration / 1e6, all.right, all.wrong, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3, os.clock()))
end
