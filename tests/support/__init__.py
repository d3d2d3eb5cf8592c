# SPDX-License-Identifier: BSD-2-Clause
"""What the end-to-end tests and the demo share: see docs/develop/testing.md."""
