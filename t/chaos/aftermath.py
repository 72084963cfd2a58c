# SPDX-License-Identifier: Apache-2.0
"""After the storm: everything that clients were told is held against what there is. Each check hands back what is wrong, in words."""
import contextlib
import json
import re
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from lib.clients import PASSWORD, Native
from lib.figures import Line
from lib.serving import wait_for

from . import ledger as book

AT_ONCE = 8             # clients that ask when all sessions and accounts are looked at
SETTLED = 20            # seconds after which nothing may be under way any more
EACH = 20               # answers by which each process was asked
STILL = 4               # seconds without a mail after which nobody has one under way
POOL = 16               # connections of a process to its database, at the most (KratosDatabasePool)


def judge(house, ledger, sent_twice=0):
    """All of it. `sent_twice`: mails that may have come twice, because processes died while they sent them."""
    return [fault for check in (comes_back, agrees, accounts, sessions, signs_in, idle, database, lambda *of: mail(*of, sent_twice))
            for fault in check(house, ledger)]


def comes_back(house, _):
    """Without hands: every node is ready, and somebody new is let in. How long it took is the house's `back`."""
    began = time.monotonic()
    for node in house.nodes:
        try:
            wait_for(lambda node=node: all(node.ready() for _ in range(EACH)), SETTLED)
        except TimeoutError:
            yield f'{node.url} is not ready again after {SETTLED} s'
    house.back = time.monotonic() - began


# -- what is in the database -------------------------------------------------------------

MISSING = {
    'accounts without a password': "SELECT i.id FROM identities i LEFT JOIN identity_credentials c ON c.identity_id = i.id "
                                   "AND c.type = 'password' WHERE c.id IS NULL",
    'credentials without an account': 'SELECT c.id FROM identity_credentials c LEFT JOIN identities i ON i.id = c.identity_id WHERE i.id IS NULL',
    'identifiers without a credential': 'SELECT d.identifier FROM identity_identifiers d LEFT JOIN identity_credentials c '
                                        'ON c.id = d.credential_id WHERE c.id IS NULL',
    'addresses without an account': 'SELECT a.value FROM identity_addresses a LEFT JOIN identities i ON i.id = a.identity_id WHERE i.id IS NULL',
    'sessions without an account': 'SELECT s.id FROM sessions s LEFT JOIN identities i ON i.id = s.identity_id WHERE i.id IS NULL',
    'codes without a flow': 'SELECT c.id FROM codes c LEFT JOIN flows f ON f.id = c.flow_id WHERE f.id IS NULL',
}
PARTS = {       # of an account, each (account, address): what all have to be the same in
    'traits': 'SELECT id, traits FROM identities',
    'identifier': "SELECT c.identity_id, d.identifier FROM identity_identifiers d JOIN identity_credentials c ON c.id = d.credential_id "
                  "WHERE d.type = 'password'",
    'address to verify': 'SELECT identity_id, value FROM identity_addresses WHERE recovery = 0',
    'address to recover by': 'SELECT identity_id, value FROM identity_addresses WHERE recovery = 1',
}


def stored(house, member=1):
    """{part: {account: [address]}}"""
    out = {}
    for part, sql in PARTS.items():
        out[part] = {}
        for ident, value in house.sql(sql, member):
            out[part].setdefault(ident, []).append(json.loads(value)['email'] if part == 'traits' else value)
    return out


def agrees(house, _):
    """No account is half written, and all members of a cluster have the same."""
    for what, sql in MISSING.items():
        rows = house.sql(sql)
        if rows:
            yield f'{len(rows)} {what}: {rows[:3]}'
    parts = stored(house)
    for ident, emails in parts['traits'].items():
        found = {part: of.get(ident) for part, of in parts.items()}
        if any(value != emails for value in found.values()):
            yield f'account {ident} is half written: {found}'
    yield from (f'member {member} of the cluster has other accounts than the first' for member in house.members[1:] if stored(house, member) != parts)


def accounts(house, ledger):
    """None that was acknowledged is lost, none is there twice, and none that nobody asked for."""
    there = [email for emails in stored(house)['traits'].values() for email in emails]
    for account in ledger.accounts.values():
        found = sum(there.count(email) for email in account.emails)
        if account.told[book.MADE] > 1:
            yield f'{account.first}: {account.told[book.MADE]} were told that they made it'
        if found > 1:
            yield f'{account.first} is there {found} times'
        if account.must_be and not found:
            yield f'{account.first} is lost: {account.told}'
        if found and not account.may_be:
            yield f'{account.first} is there, though nobody was told so: {account.told}'
        account.found = bool(found)
    known = {email for account in ledger.accounts.values() for email in account.emails}
    yield from (f'{email} is there, and nobody asked for it' for email in there if email not in known)


def signs_in(house, ledger):
    """Each account by its password, at whichever node; and nobody has to wait for a connection that never comes back."""
    def one(place, account):
        email = next((e for e in account.emails if e in there), None)
        line = lines(place[0])
        flow = json.loads(line.ask('GET', '/self-service/login/api')[1])['id']
        asked = json.dumps({'method': 'password', 'identifier': email, 'password': PASSWORD})
        status, body, _ = line.ask('POST', f'/self-service/login?flow={flow}', asked)
        return None if status == 200 else f'{email} cannot sign in: {status} {body[:200]!r}'
    there = {email for emails in stored(house)['traits'].values() for email in emails}
    with Lines() as lines:
        yield from everybody(house, [a for a in ledger.accounts.values() if a.found], one)


# -- sessions --------------------------------------------------------------------------

def sessions(house, ledger):
    """One that should be alive is, one that has ended is refused: by whoami and the gate, at every node."""
    def one(place, session):
        line, gate = lines(place[0]), lines(place[1])
        asked = [line.ask('GET', '/sessions/whoami', **session.headers)[0] == 200, gate.ask('GET', '/', **session.headers)[0] == 200,
                 line.ask('GET', '/sessions/whoami', **session.headers)[0] == 200]
        if len(set(asked)) > 1:
            return f'a session of {session.account.first} ({session.state}): whoami and the gate say {asked}'
        if (session.state == book.ALIVE and not asked[0]) or (session.state == book.ENDED and asked[0]):
            return f'a session of {session.account.first} is {session.state}, and is {"let in" if asked[0] else "refused"}'
        return None
    with Lines() as lines:
        yield from everybody(house, ledger.sessions, one)


class Lines:
    """Kept connections, one for each place and thread."""

    def __enter__(self):
        self.of, self.all = threading.local(), []
        return self

    def __call__(self, url):
        mine = self.of.__dict__
        if url not in mine:
            mine[url] = Line(url)
            self.all.append(mine[url])
        return mine[url]

    def __exit__(self, *_):
        for line in self.all:
            line.http.close()


def everybody(house, things, one):
    """one(place, thing) for each of them at each node, many at once; what is wrong."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        calls = [pool.submit(one, place, thing) for place in house.places for thing in things]
        for call in calls:
            try:
                wrong = call.result()
            except Exception as e:      # a connection that breaks now is as wrong
                wrong = f'asking afterwards: {e!r}'
            if wrong:
                yield wrong


# -- what is still under way ---------------------------------------------------------------

def status(node):
    """httpd's own page: {name: value}"""
    text = Native(node.url).get('/server-status?auto').body.decode()
    return dict(re.findall(r'^(\w+): (.*)$', text, re.MULTILINE))


def idle(house, _):
    """No worker hangs: all but the one that answers this have nothing to do, and no process is left that should have ended."""
    for node in house.nodes:
        def rests(node=node):
            it = status(node)
            return it['BusyWorkers'] == '1' and it.get('Stopping', '0') == '0' and it['KratosHashesRunning'] == it['KratosHashesWaiting'] == '0' \
                and it['KratosDatabaseBusy'] == '0'
        try:
            wait_for(rests, SETTLED, 0.1)
        except TimeoutError:
            it = status(node)
            yield f'{node.url} does not come to rest: ' + ', '.join(f'{name} {it[name]}' for name in (
                'Scoreboard', 'BusyWorkers', 'Stopping', 'KratosHashesRunning', 'KratosHashesWaiting', 'KratosDatabaseBusy') if name in it)


def database(house, _):
    """No transaction is left open, no connection leaked, no page broken."""
    return of_sqlite(house) if not house.server.db else of_server(house)


def of_sqlite(house):
    file = house.server.sqlite
    with contextlib.closing(sqlite3.connect(file, timeout=SETTLED, isolation_level=None)) as db:
        try:
            db.execute('BEGIN IMMEDIATE')
            db.execute('ROLLBACK')
        except sqlite3.OperationalError as e:
            yield f'somebody keeps the file: {e}'
        for check, good in (('integrity_check', [('ok',)]), ('foreign_key_check', [])):
            found = db.execute(f'PRAGMA {check}').fetchall()
            if found != good:
                yield f'{check}: {found[:3]}'


OPEN = ('SELECT t.trx_mysql_thread_id, t.trx_started FROM information_schema.innodb_trx t JOIN information_schema.processlist p '
        'ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE() AND p.id <> CONNECTION_ID()')
CONNECTED = 'SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()'


def of_server(house):
    def left_open():
        return [row for member in house.members for row in house.sql(OPEN, member)]
    try:
        wait_for(lambda: not left_open(), SETTLED, 0.1)
    except TimeoutError:
        yield f'transactions are left open: {left_open()}'
    there = sum(int(house.sql(CONNECTED, member)[0][0]) for member in house.members)
    most = sum(POOL * len(node.httpd()[1:]) for node in house.nodes)
    if there > most:
        yield f'{there} connections to the database, where {most} are the most'


# -- mail ------------------------------------------------------------------------------

def mail(house, ledger, twice):
    """The outbox empties itself, and everybody who has an account got their letter: once, or again where a process died as it sent it."""
    def waiting():
        house.end_leases(of_all=len(house.sink.mails) == before and time.monotonic() - began > STILL)
        return house.sql("SELECT status, COUNT(*) FROM courier_messages WHERE status <> 'sent' GROUP BY status")
    began, before = time.monotonic(), len(house.sink.mails)
    try:
        wait_for(lambda: not waiting(), SETTLED, 0.1)
    except TimeoutError:
        yield f'mail is left in the outbox: {waiting()}'
    got = house.sink.count()
    for account in ledger.accounts.values():
        if account.told[book.MADE] and not got[account.first]:
            yield f'{account.first} never got a letter'
    copies = [address for address, count in got.items() if count > 1]
    if len(copies) > twice:
        yield f'{len(copies)} letters came more than once, and {twice} may: {copies[:5]}'
