-- SPDX-License-Identifier: Apache-2.0
-- A mix of everything: reads, renewals, changes of a role, refusals, and now and then a credential
-- that is issued and taken back. Arguments: how many requests, mount, leases to look at. Neighbouring
-- requests change different leases and roles: to change one at once is refused at the sixteenth try.
local ISSUE_EACH, REVOKE_EACH = 500, 5000
local wanted, mount, asked, answered, threads = 0, "", 0, 0, {}
local mix, issue, revoke = {}, nil, nil
unexpected = 0

local function add(method, path, body, headers)
	mix[#mix + 1] = wrk.format(method, "/v1/" .. path, headers, body)
end

local function build(lease, number)
	local id = string.format('{"lease_id":"%s"}', lease)

	add("GET", mount .. "/role/user")
	add("PUT", "sys/leases/lookup", id)
	add("GET", "sys/health")
	add("GET", mount .. "/role/user")
	add("LIST", mount .. "/role")
	add("PUT", "sys/leases/renew", id)
	add("GET", mount .. "/config")
	add("GET", "sys/mounts")
	add("GET", mount .. "/role/nobody")
	add("POST", mount .. "/role/written" .. number,
		'{"remote_policies":["name:existing-policy,type:Custom"]}')
	add("GET", mount .. "/role/user", nil, { ["X-Vault-Token"] = "hvs.nobodys" })
	add("PUT", "sys/leases/lookup", '{"lease_id":')
end

function setup(thread)
	table.insert(threads, thread)
end

function init(arguments)
	wanted, mount = tonumber(arguments[1]), arguments[2]
	for number = 3, #arguments do
		build(arguments[number], number)
	end
	issue = wrk.format("GET", "/v1/" .. mount .. "/creds/user")
	revoke = wrk.format("PUT", "/v1/sys/leases/revoke-prefix/" .. mount .. "/creds/user")
end

function request()
	asked = asked + 1
	if asked % REVOKE_EACH == 0 then return revoke end
	if asked % ISSUE_EACH == 0 then return issue end
	return mix[asked % #mix + 1]
end

-- What is asked wrongly above is refused with these.
local expected = { [200] = true, [204] = true, [400] = true, [403] = true, [404] = true }

function response(status, _, body)
	answered = answered + 1
	if not expected[status] then
		unexpected = unexpected + 1
		print("answer " .. status .. ": " .. body)
	end
	if answered == wanted then
		wrk.thread:stop()
		print("finished")
		io.flush()
	end
end

function done()
	for _, thread in ipairs(threads) do
		print("unexpected: " .. thread:get("unexpected"))
	end
end
