-- SPDX-License-Identifier: Apache-2.0
-- Renews the leases that were given as arguments, one after the other.
local bodies, turn = {}, 0

function init(leases)
	for number, lease in ipairs(leases) do
		bodies[number] = string.format('{"lease_id":"%s","increment":"1h"}', lease)
	end
end

function request()
	turn = turn % #bodies + 1
	return wrk.format("PUT", nil, nil, bodies[turn])
end
