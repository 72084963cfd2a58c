# SPDX-License-Identifier: Apache-2.0
"""kratosctl, alone and beside a server."""
import json
import os
import subprocess

from .serving import ROOT

OUT = os.environ.get('OUT', str(ROOT / 'build' / 'out'))
SQL = ROOT / 'sql'
_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith('KRATOS_')}


def kratosctl(*args, input='', env=None, timeout=60):
    """One run. Hands back the finished process, text on both streams."""
    return subprocess.run([f'{OUT}/kratosctl', *map(str, args)], capture_output=True, text=True, timeout=timeout, input=input,
                          env=_CLEAN | (env or {}))


class Ctl:
    """kratosctl with the settings and the database of a server."""

    def __init__(self, server, realm='main'):
        self.options = ['--config', server.config, '--sql', SQL, '--realm', realm,
                        '--database', server.db or f'sqlite3 {server.sqlite}']

    def run(self, *args, **kw):
        return kratosctl(*args, *self.options, **kw)

    def __call__(self, *args, status=0, **kw):
        """Standard output of a run that ends with that status."""
        run = self.run(*args, **kw)
        assert run.returncode == status, f'{args}: {run.returncode}\n{run.stdout}{run.stderr}'
        return run.stdout

    def json(self, *args, **kw):
        """The objects of a run with --json."""
        return [json.loads(line) for line in self(*args, '--json', **kw).splitlines()]

    def create(self, email, password=None, *args):
        """The id of a new account."""
        more = ['--password-stdin'] if password else []
        return self('identity', 'create', '--trait', f'email={email}', *more, *args, input=f'{password}\n').strip()
