#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a sign-in by a key, and a second factor, cost: CPU of the server, and ways to the database. About a minute.

    build/bench factors
    build/bench factors --logins 300

Forms are made and answered beforehand, so that what is measured is the submit alone. Ways to the database are what MariaDB counts
as questions for one submit. Exit status 1 when a bar is missed.
"""
import argparse
import statistics
import sys
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.clients import Native, Ajax, new_email  # noqa: E402
from lib.factors import enrol, second  # noqa: E402
from lib.account import account, person  # noqa: E402
from lib.figures import missed, say  # noqa: E402
from lib.serving import MariaDB, Server, free_port  # noqa: E402
from lib.settings import base, inline, merge, nested  # noqa: E402
from harness.authenticator import ES256, RS256, Authenticator  # noqa: E402

ORIGIN = 'http://localhost:3000'
CPU = 2.0           # ms of the server's processes for a sign-in by a key, at most
WAYS = 4            # to the database, at most


def settings(port):
    party = {'rp': {'id': 'localhost', 'display_name': 'Bench', 'origins': [ORIGIN]}}
    schema = person()
    schema['properties']['traits']['properties']['email']['ory.sh/kratos']['credentials']['passkey'] = {'display_name': True}
    tree = merge(base(port), merge(account(), nested('identity.schemas', [{'id': 'person', 'url': inline(schema)}])))
    for path, value in {
        'selfservice.methods.totp.enabled': True,
        'selfservice.methods.passkey': {'enabled': True, 'config': party},
        'selfservice.methods.webauthn': {'enabled': True, 'config': {'passwordless': False, **party}},
        'session.whoami.required_aal': 'aal1',
        'selfservice.flows.settings.required_aal': 'aal1',
    }.items():
        tree = merge(tree, nested(path, value))
    return tree


def authenticator(alg=ES256):
    return Authenticator(SimpleNamespace(norm=SimpleNamespace(alias=lambda *_: None)), alg=alg, origin=ORIGIN)


def ticks(server):
    """µs of CPU that httpd has used, of all its threads."""
    total = 0
    for pid in server.httpd():
        for task in Path(f'/proc/{pid}/task').iterdir():
            total += int((task / 'schedstat').read_text().split()[0])
    return total / 1000


def questions(server):
    return int(server.sql("SHOW GLOBAL STATUS LIKE 'Questions'")[0][1])


class Line:
    """Submits that are ready to be sent, one after the other."""

    def __init__(self, server, database):
        self.server, self.database = server, database

    def measure(self, what, submits, cpu=None):
        """submits: calls without arguments that each answer 200."""
        first, rest = submits[:9], submits[9:]
        asking = -questions(self.server) + questions(self.server) if self.server.db else 0     # what the question itself counts for
        ways = []
        for submit in first:
            if not self.server.db:
                submit().must(200)
                continue
            before = questions(self.server)
            submit().must(200)
            ways.append(questions(self.server) - before - asking)
        before = ticks(self.server)
        for submit in rest:
            submit().must(200)
        used = (ticks(self.server) - before) / len(rest) / 1000
        say(self.database, f'{what}: CPU of httpd', f'{used:6.3f} ms{f" (bar {cpu})" if cpu else ""}', not cpu or used <= cpu)
        if ways:
            # the mail's background thread asks once in a while as well: the least is the submit's own
            say(self.database, f'{what}: ways to the database', f'{min(ways)} (median {statistics.median(ways):g}, bar {WAYS})',
                min(ways) <= WAYS)


def passkeys(line, server, logins):
    for what, alg, counts in (('passkey, ES256, counting', ES256, True), ('passkey, ES256, counter 0', ES256, False),
                              ('passkey, RS256, counting', RS256, True)):
        client, key = Native(server.url), authenticator(alg)
        client.register(new_email('key')).must(200)
        flow = client.start('settings')
        client.submit('settings', flow, {'passkey_settings_register': key.create(flow, 'passkey_create_data')}).must(200)
        submits = []
        for _ in range(logins):
            who = Native(server.url)
            flow = who.start('login')
            answer = key.get(flow, 'passkey_challenge', count=None if counts else 0)
            submits.append(lambda who=who, flow=flow, answer=answer: who.submit('login', flow, {'method': 'passkey',
                                                                                               'passkey_login': answer}))
        line.measure(what, submits, CPU)


def passwords(line, server, logins):
    email = new_email('word')
    Native(server.url).register(email).must(200)
    submits = []
    for _ in range(logins):
        who = Native(server.url)
        flow = who.start('login')
        submits.append(lambda who=who, flow=flow: who.submit('login', flow, {'method': 'password', 'identifier': email,
                                                                            'password': 'correct-Horse-battery-9'}))
    line.measure('password (for comparison)', submits)


def apps(line, server, logins):
    email = new_email('app')
    owner = Native(server.url)
    owner.register(email).must(200)
    app = enrol(server, owner)
    submits = []
    for _ in range(logins):
        who = Native(server.url)
        who.login(email).must(200)
        flow = second(who)
        submits.append(lambda who=who, flow=flow: who.submit('login', flow, {'method': 'totp', 'totp_code': app.next()}))
    line.measure('TOTP at aal2', submits)


def security_keys(line, server, logins):
    email, key = new_email('second'), authenticator()
    owner = Ajax(server.url)
    owner.register(email).must(200)
    flow = owner.start('settings')
    owner.submit('settings', flow, {'webauthn_register': key.create(flow, 'webauthn_register_trigger'),
                                    'webauthn_register_displayname': 'mine'}).must(200)
    submits = []
    for _ in range(logins):
        who = Ajax(server.url)
        who.login(email).must(200)
        flow = second(who)
        answer = key.get(flow, 'webauthn_login_trigger')
        submits.append(lambda who=who, flow=flow, answer=answer: who.submit('login', flow, {
            'method': 'webauthn', 'identifier': email, 'webauthn_login': answer}))
    line.measure('security key at aal2, counting', submits, CPU)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--logins', type=int, default=150)
    a = ap.parse_args()
    mariadb = MariaDB()
    try:
        for database, db in (('SQLite', None), ('MariaDB', mariadb.fresh())):
            port = free_port()
            server = Server(settings(port), port=port, db=db, clock=True)
            try:
                line = Line(server, database)
                passwords(line, server, min(a.logins, 40))
                passkeys(line, server, a.logins)
                security_keys(line, server, min(a.logins, 60))
                apps(line, server, 17)    # each takes a period of half a minute, and the forms live ten minutes
            finally:
                server.stop()
    finally:
        mariadb.close()
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
