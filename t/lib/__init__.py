# SPDX-License-Identifier: Apache-2.0
"""What t/http, t/browser and build/bench share: servers, databases, clients, settings."""
