# SPDX-License-Identifier: BSD-2-Clause
"""What targrey-review counts goes into a real PostgreSQL as it does into SQLite."""
import subprocess
import unittest

import test_act
from fixture import BIN
from support.pgserver import PgServer


class OnAServer(test_act.Act):
    def place(self, base):
        server = PgServer("fsync=off")
        self.addCleanup(server.close)
        server.start()
        url = server.url()
        subprocess.run([BIN / "targreyctl", "migrate", "sqlite:%s" % base, url], check=True,
                       capture_output=True, timeout=120)
        base.unlink()
        self.server = server
        return url

    def spam_of_origins(self):
        return dict(row.split("|") for row in self.server.ask(
            "SELECT name, spam FROM origin WHERE spam > 0"))


for name in dir(OnAServer):
    if name.startswith("test_") and "counted_for" not in name and "counts_nothing" not in name:
        setattr(OnAServer, name, None)

if __name__ == "__main__":
    unittest.main()
