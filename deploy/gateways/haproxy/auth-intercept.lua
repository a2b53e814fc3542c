-- The action `auth-intercept BACKEND PATH METHOD REQUEST SUCCESS FAILURE` for HAProxy 2.6 and newer: asks an HTTP service
-- whether a request may pass. It takes the words of the action of that name in auth-request.lua, and needs no module:
-- it calls by HAProxy's own HTTP client.
--
-- BACKEND   the backend with the service: of its servers the first that is not down, in plain http
-- PATH      the request target there
-- METHOD    GET or HEAD
-- REQUEST   header names, with `*` as a wildcard and commas between them: what the service hears of the request
-- SUCCESS   what is put on the request when the answer is 2xx, in place of what is there
-- FAILURE   what the client hears of any other answer, with its status and body
--
-- When the request may pass, the variable txn.auth_response_successful is true. In all other cases it is false, and the
-- client is answered; the configuration denies what is left, should this code fail.

local longest_wait = 5000 -- milliseconds

-- The names of a list as patterns of Lua.
local function patterns_of(list)
  local patterns = {}
  for name in list:lower():gmatch("[^,%s]+") do
    local escaped = name:gsub("[^%w*]", "%%%0"):gsub("%*", ".*")
    table.insert(patterns, "^" .. escaped .. "$")
  end
  return patterns
end

local function is_listed(name, patterns)
  for _, pattern in ipairs(patterns) do
    if name:lower():match(pattern) then return true end
  end
  return false
end

-- HAProxy counts values from 0.
local function values_of(field)
  local values = {}
  local at = 0
  while field[at] ~= nil do
    table.insert(values, field[at])
    at = at + 1
  end
  return values
end

local function address_of(backend)
  if backend == nil then return nil end
  for _, server in pairs(backend.servers) do
    local status = server:get_stats()["status"]
    if status == "no check" or status:find("^UP") then return server:get_addr() end
  end
  return nil
end

local function listed_fields(fields, patterns)
  local listed = {}
  for name, field in pairs(fields) do
    if is_listed(name, patterns) then listed[name:lower()] = values_of(field) end
  end
  return listed
end

-- Ends the transaction. Without an answer nobody knows anything.
local function refuse(txn, answer, patterns)
  local reply = txn:reply({ status = answer and answer.status or 503 })
  if answer then
    for name, values in pairs(listed_fields(answer.headers, patterns)) do
      for _, value in ipairs(values) do reply:add_header(name, value) end
    end
    if answer.body then reply:set_body(answer.body) end
  end
  txn:done(reply)
end

local function ask(txn, backend, path, method, patterns)
  local address = address_of(core.backends[backend])
  if address == nil then
    txn:Alert("auth-intercept: no server of the backend " .. backend .. " is up")
    return nil
  end
  local question = {
    url = "http://" .. address .. path,
    headers = listed_fields(txn.http:req_get_headers(), patterns),
    timeout = longest_wait,
  }
  local client = core.httpclient()
  local answer = method == "HEAD" and client:head(question) or client:get(question)
  -- Nobody can have answered with less.
  if answer == nil or answer.status == nil or answer.status < 200 then return nil end
  return answer
end

local function auth_intercept(txn, backend, path, method, request, success, failure)
  txn:set_var("txn.auth_response_successful", false)
  local answer = ask(txn, backend, path, method, patterns_of(request))
  if answer == nil or answer.status >= 300 then
    refuse(txn, answer, patterns_of(failure))
    return
  end
  for name, values in pairs(listed_fields(answer.headers, patterns_of(success))) do
    txn.http:req_set_header(name, table.concat(values, ", "))
  end
  txn:set_var("txn.auth_response_successful", true)
end

core.register_action("auth-intercept", { "http-req" }, auth_intercept, 6)
