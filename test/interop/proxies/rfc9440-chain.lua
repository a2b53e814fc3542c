-- Passes the chain that came with a client's certificate on in client-cert-chain (RFC 9440 section 2.3). HAProxy has
-- its certificates one after another in DER; the field wants each by itself.

-- How many octets the DER element at `start` takes, its tag and length included.
local function size_of_element(der, start)
  local first = der:byte(start + 1)
  if first < 0x80 then return 2 + first end
  local count = first - 0x80
  return 2 + count + string.unpack(">I" .. count, der, start + 2)
end

local function pass_chain_on(txn)
  local chain = txn.f:ssl_c_chain_der()
  if chain == nil or chain == "" then return end
  local certificates = {}
  local start = 1
  while start <= #chain do
    local size = size_of_element(chain, start)
    table.insert(certificates, ":" .. txn.c:base64(chain:sub(start, start + size - 1)) .. ":")
    start = start + size
  end
  txn.http:req_set_header("client-cert-chain", table.concat(certificates, ", "))
end

core.register_action("pass_chain_on", { "http-req" }, pass_chain_on)
