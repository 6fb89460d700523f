-- SPDX-License-Identifier: Apache-2.0
-- Logs in with what nginx says of a certificate.
wrk.method = "POST"
wrk.body = "{}"
