# SPDX-License-Identifier: Apache-2.0
"""A cloud on 127.0.0.1 for tests and the demo: strict signatures, full state, faults on demand.

The one idea: a single thread owns everything. Every call, timer and control request runs to its
end before the next, so no state needs a lock and a fault lands exactly where it was aimed.
"""
