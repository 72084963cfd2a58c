# SPDX-License-Identifier: Apache-2.0
"""The owner's tool beside httpd."""
import os
import subprocess

import pytest

from lib.serving import ROOT, scratch

OUT = os.environ.get('OUT', str(ROOT / 'build' / 'out'))


def kratosctl(*args):
    return subprocess.run([f'{OUT}/kratosctl', *map(str, args)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def file():
    return scratch('ctl') / 'kratos.sqlite'


def migrate(file, *options):
    return kratosctl('migrate', *options, '--sql', ROOT / 'sql', 'sqlite3', file)


def test_migrate_tells_what_is_pending_then_applies_it_and_is_fine_when_run_again(file):
    pending = migrate(file, '--dry-run')
    assert pending.returncode == 1 and 'pending' in pending.stdout
    assert migrate(file).returncode == 0
    assert migrate(file, '--dry-run').stdout == '0 migration(s) pending\n'
    assert migrate(file).stdout == '0 migration(s) applied\n'


def test_a_database_that_cannot_be_reached_is_said_in_words():
    r = kratosctl('migrate', '--sql', ROOT / 'sql', 'mysql', 'host=127.0.0.1,port=1,user=nobody,dbname=none')
    assert r.returncode == 1 and r.stderr.strip()


def test_check_says_what_httpd_would_say():
    assert kratosctl('check', ROOT / 'conf' / 'kratos.yml').returncode == 0
    bad = scratch('ctl') / 'kratos.yml'
    bad.write_text('session:\n  lifspan: 1h\n')
    r = kratosctl('check', bad)
    assert r.returncode == 1 and 'session.lifspan' in r.stderr and 'session.lifespan' in r.stderr


@pytest.mark.parametrize('args', [(), ('frobnicate',), ('migrate',), ('migrate', 'sqlite3'), ('check',)])
def test_wrong_use_shows_the_help_and_exits_with_2(args):
    r = kratosctl(*args)
    assert r.returncode == 2 and 'kratosctl' in r.stderr
