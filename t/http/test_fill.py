# SPDX-License-Identifier: Apache-2.0
"""t/bench/fill: what it puts into a database is as if the accounts had signed up and in."""
import hashlib
import subprocess

from lib.serving import ROOT

FILL = ROOT / 't' / 'bench' / 'fill'
PASSWORD = 'fill it up, t-one by t-one'


def fill(server, *options):
    db = server.db or f'sqlite3 {server.sqlite}'
    return subprocess.run([FILL, '--config', server.config, '--db', db, *options], capture_output=True, text=True)


def test_the_accounts_that_fill_a_database_are_signed_in_and_can_sign_in(server):
    assert fill(server, '--sessions', '20').stdout.startswith('20 accounts')
    app = server.native()
    app.token = 'ory_st_' + hashlib.md5(b't7').hexdigest()
    session = app.whoami().must(200).json
    assert session['identity']['traits'] == {'email': 't7@fill.example'}
    assert session['authentication_methods'][0]['method'] == 'password' and session['authenticator_assurance_level'] == 'aal1'
    server.native().login('t20@fill.example', PASSWORD).must(200)
    again = fill(server, '--sessions', '1', '--from', '20')
    assert again.returncode == 1 and 'exists already' in again.stderr
