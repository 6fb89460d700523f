-- SPDX-License-Identifier: Apache-2.0
-- Logs in without a name.
function request()
	return wrk.format("POST", nil, nil, "{}")
end
