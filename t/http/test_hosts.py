# SPDX-License-Identifier: Apache-2.0
"""Several hosts of one database: one that freezes, one that comes back, and an answer that never came."""
import time

import pytest

from lib.clients import PASSWORD, new_email
from lib.proxy import Proxy
from lib.serving import status_of, wait_for


@pytest.fixture
def hosts(mariadb):
    """hosts(n) are n ways to one fresh database."""
    mine = []

    def make(count):
        db = mariadb.fresh()
        mine.extend(Proxy(mariadb, db) for _ in range(count))
        return mine
    yield make
    for proxy in mine:
        proxy.close()


@pytest.mark.slow
def test_a_host_that_freezes_is_left_in_seconds_and_gone_back_to(serve_sqlite, hosts):
    first, second = hosts(2)
    server = serve_sqlite(db=[first.params, second.params], mpm='prefork')
    server.expect_log('KR0421|KR0400|KR1208')
    app = server.native()
    app.register(new_email()).must(200)
    assert first.pairs and not second.pairs, 'the first that is well'

    first.freeze()
    began = time.monotonic()
    app.whoami().must(200)
    assert time.monotonic() - began < 8, 'nobody waits for a statement that is never answered'
    began = time.monotonic()
    for _ in range(10):
        app.whoami().must(200)
    assert 'KR0421' in server.log() and second.pairs
    wait_for(lambda: all(ask(app) < 0.5 for _ in range(10)))

    first.thaw()
    first.cut()
    first.pairs.clear()

    def is_back():
        second.cut()                            # who connects anew looks for the first
        app.whoami().must(200)
        return first.pairs
    wait_for(is_back, 30)
    assert server.native().register(new_email()).status == 200


def ask(app):
    began = time.monotonic()
    app.whoami().must(200)
    return time.monotonic() - began


@pytest.mark.slow
def test_the_only_host_freezes_and_the_others_are_served(serve_sqlite, hosts):
    """What asks the database is 503 soon, and what does not is answered: httpd's workers do not all wait."""
    host, = hosts(1)
    server = serve_sqlite(db=host.params, gate=True)
    server.expect_log('KR0421|KR0400|KR1208|KR1220')
    app = server.native()
    app.register(new_email()).must(200)
    host.freeze()
    began = time.monotonic()
    assert app.whoami().status == 503
    assert time.monotonic() - began < 8
    assert app.get(server.gate + '/').status == 503
    assert status_of(server.url + '/health/alive') == 200
    host.thaw()
    wait_for(lambda: app.whoami().status == 200, 30)


@pytest.mark.parametrize('delivered', [True, False], ids=['done', 'not done'])
def test_when_the_answer_to_a_commit_is_lost_nobody_gets_two_accounts(serve_sqlite, hosts, delivered):
    """The person is told that nobody can say; whoever tries again is an account once."""
    host, = hosts(1)
    server = serve_sqlite(db=host.params)
    email = new_email()
    broken = host.break_at('COMMIT', delivered)
    answer = server.native().register(email)
    assert broken.is_set() and answer.status == 503 and int(answer.header('Retry-After')) > 0
    assert 'KR0423' in server.log()
    again = server.native().register(email)
    assert again.status == (400 if delivered else 200), again.body
    assert server.native().login(email, PASSWORD).status == 200
    assert server.sql('SELECT COUNT(*) FROM identities') == [['1']]


def test_who_changes_an_account_is_told_when_it_may_be_saved(serve_sqlite, hosts):
    """The change is done, what belongs to it and comes after it is not: that is no "nothing has happened, try again"."""
    host, = hosts(1)
    server = serve_sqlite(db=host.params)
    app, email = server.native(), new_email()
    app.register(new_email()).must(200)
    flow = app.start('settings')
    server.expect_log('KR0400|KR1208')
    host.gone_after('COMMIT')
    answer = app.submit('settings', flow, {'method': 'profile', 'traits': {'email': email}})
    assert answer.status == 503 and 'may be saved, or not' in answer.json['error']['reason'], answer.body
    host.mend()
    wait_for(server.ready)
    assert server.native().login(email).status == 200
