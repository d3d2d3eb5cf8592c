# SPDX-License-Identifier: BSD-2-Clause
"""A network of one's own, with a loopback interface that may get addresses."""
import os
import subprocess
import sys


def own_network(addresses=()):
    """Goes on as the same program in a new network namespace, where loopback has
    these IPv4 addresses, too. A container may not be allowed to set one up: then
    the program ends with 77, which ctest shows as skipped."""
    if os.environ.get("TARGREY_OWN_NETWORK") != "yes":
        os.environ["TARGREY_OWN_NETWORK"] = "yes"
        os.execvp("unshare", ["unshare", "-n", "--", sys.executable, "-B", *sys.argv])
    up = subprocess.run(["ip", "link", "set", "lo", "up"], stderr=subprocess.PIPE, text=True)
    if "not permitted" in up.stderr:
        print("**** SKIPPED: %s: no network of its own may be set up here (CAP_NET_ADMIN)" % sys.argv[0])
        sys.exit(77)
    if up.returncode != 0:
        sys.exit("ip link set lo up: %s" % up.stderr)
    for address in addresses:
        subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)
