-- SPDX-License-Identifier: Apache-2.0
-- Makes tokens, all alike.
local body = '{"policies":["default"],"ttl":"1h","display_name":"bench"}'

function request()
	return wrk.format("POST", nil, nil, body)
end
