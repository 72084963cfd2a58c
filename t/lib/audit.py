# SPDX-License-Identifier: Apache-2.0
"""The audit stream of a server, and what `kratosctl audit verify` says to it."""
import json

from .ctl import kratosctl


class Stream:
    """KratosAudit's file. `with stream as new:` hands back a list that then holds the lines that were written meanwhile."""

    def __init__(self, file, config, realm='main'):
        self.file, self.options = file, ['--config', config, '--realm', realm]
        self._from, self._new = [], []

    def text(self):
        return self.file.read_text() if self.file.exists() else ''

    def lines(self):
        """Those that are whole."""
        return [json.loads(line) for line in self.text().splitlines() if line.endswith('"}')]

    def __enter__(self):
        self._from.append(len(self.lines()))
        self._new.append([])
        return self._new[-1]

    def __exit__(self, *_):
        self._new.pop().extend(self.lines()[self._from.pop():])

    def verify(self, *files):
        return kratosctl('audit', 'verify', *(files or (self.file,)), *self.options)

    def holds(self, *files):
        run = self.verify(*files)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr


def names(lines):
    return [line['event'] for line in lines]
