# SPDX-License-Identifier: Apache-2.0
"""Sessions that are remembered: no statement for one that is known, and none that is over opens anything, on whichever node it was ended."""
import http.client
import json
import os
import signal
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest

from conftest import end, start_gate
from lib.account import change, member
from lib.clients import Native
from lib.gate import add_pages
from lib.serving import wait_for

RULES = {'any': 'Require kratos-session', 'aal2': 'Require kratos-aal aal2', 'ana': 'Require kratos-trait name Ana',
         'not-ana': 'Require kratos-session\nRequire not kratos-trait name Ana'}
NOTES = '\nLogFormat "%{kratos-statements}n %U" kratos\nCustomLog "${KRATOS_TEST_LOG}" kratos\n'
KNOWN_ELSEWHERE = 2     # seconds: what another node has done counts by then


def places(log):
    rules = '\n'.join(f'<Location "/{name}">\n<RequireAll>\n{lines}\n</RequireAll>\n</Location>' for name, lines in RULES.items())
    return rules + NOTES.replace('${KRATOS_TEST_LOG}', str(log))


def node(request, folder, **kw):
    server = start_gate(request, None, places(folder / 'access.log'), session_cache='1m', **kw)
    add_pages(server, *RULES)
    server.access_log = folder / 'access.log'
    server.expect_log('AH0163[01]')     # of places that somebody has no right to see
    return server


@pytest.fixture(scope='module')
def nodes(request, database, tmp_path_factory):
    """Two servers over one database, each with a memory of its own."""
    db = database.fresh()
    one = node(request, tmp_path_factory.mktemp('one'), db=db)
    two = node(request, tmp_path_factory.mktemp('two'), db=db or f'sqlite3 {one.sqlite}')
    yield SimpleNamespace(one=one, two=two)
    end(two)
    end(one)


def ask(server, token, place='any'):
    """What the gate answers who comes with that token."""
    request = urllib.request.Request(f'{server.gate}/{place}', headers={'X-Session-Token': token})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def statements(server, token, place='any'):
    """How many the last such request took."""
    lines = len(server.access_log.read_text().splitlines()) if server.access_log.exists() else 0
    assert ask(server, token, place) == 200
    said = wait_for(lambda: server.access_log.read_text().splitlines()[lines:])
    return int(said[0].split()[0])


def remember(server, token):
    """A server begins to trust its memory some seconds after its start."""
    wait_for(lambda: statements(server, token) == 0)


@pytest.fixture
def ana(nodes):
    """Somebody whose session both servers remember."""
    client = member(nodes.one, 'native', name='Ana')
    client.identity = client.session()['identity']['id']
    for server in (nodes.one, nodes.two):
        remember(server, client.token)
    return client


def at(server, client):
    """The same person, who asks that server."""
    other = Native(server.url)
    other.token = client.token
    return other


def refused_soon(server, token, within=KNOWN_ELSEWHERE):
    """Asks until it is refused. @return seconds that took"""
    begin = time.monotonic()
    wait_for(lambda: ask(server, token) == 401, seconds=within + 1)
    took = time.monotonic() - begin
    assert took < within, took
    return took


# -- what is remembered ----------------------------------------------------------


def test_a_known_session_costs_no_statement_and_says_the_same(nodes, ana):
    fresh = at(nodes.one, ana).session()
    again = at(nodes.one, ana).session()
    assert again == fresh and again['identity']['traits']['name'] == 'Ana'
    assert statements(nodes.one, ana.token) == statements(nodes.one, ana.token, 'ana') == 0
    assert ask(nodes.one, ana.token, 'not-ana') == 403


def test_a_browser_s_cookie_is_remembered_too(nodes):
    client = member(nodes.one, 'browser')
    first = client.whoami().must(200)
    for _ in range(3):
        answer = client.whoami().must(200)
        assert answer.json == first.json
        assert answer.header('X-Kratos-Authenticated-Identity-Id') == first.json['identity']['id']


def test_each_on_one_connection_gets_their_own(nodes, ana):
    """A proxy's connection carries one person's request after another's."""
    ben = member(nodes.one, 'native', name='Ben')
    connection = http.client.HTTPConnection('127.0.0.1', nodes.one.port)

    def who(token):
        connection.request('GET', '/sessions/whoami', headers={'X-Session-Token': token})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body).get('identity', {}).get('traits', {}).get('name')

    for _ in range(3):
        assert who(ana.token) == who(ana.token) == (200, 'Ana')
        assert who(ben.token) == who(ben.token) == (200, 'Ben')
        assert who(ana.token[:-1] + ('B' if ana.token[-1] == 'A' else 'A'))[0] == who('ory_st_' + 32 * 'x')[0] == 401
    ben.logout().must(204)
    assert who(ben.token)[0] == who(ben.token)[0] == 401
    assert who(ana.token) == (200, 'Ana')
    connection.close()


# -- what is over ----------------------------------------------------------------


def sign_out(nodes, ana):
    ana.logout().must(204)


def revoke_elsewhere(nodes, ana):
    other = Native(nodes.one.url)
    other.login(ana.email).must(200)
    other.request('DELETE', '/sessions').must(200)


def by_the_owner(nodes, ana):
    nodes.one.ctl('session', 'revoke', '--identity', ana.email)


def lock(nodes, ana):
    nodes.one.ctl('identity', 'disable', ana.email)


def delete(nodes, ana):
    nodes.one.ctl('identity', 'delete', ana.identity, '--yes')


@pytest.mark.parametrize('how', [sign_out, revoke_elsewhere])
def test_what_ends_here_opens_nothing_from_that_answer_on_and_elsewhere_soon(nodes, ana, how):
    how(nodes, ana)
    assert ask(nodes.one, ana.token) == 401
    assert at(nodes.one, ana).whoami().status == 401
    refused_soon(nodes.two, ana.token)


@pytest.mark.parametrize('how', [by_the_owner, lock, delete])
def test_what_another_process_ends_opens_nothing_soon(nodes, ana, how):
    how(nodes, ana)
    for server in (nodes.one, nodes.two):
        refused_soon(server, ana.token)


def test_what_an_account_says_of_itself_is_known_at_once_here_and_soon_elsewhere(nodes, ana):
    assert ask(nodes.two, ana.token, 'ana') == 200
    change(at(nodes.one, ana), method='profile', traits={'email': ana.email, 'name': 'Anna'})
    assert ask(nodes.one, ana.token, 'ana') == 403 and ask(nodes.one, ana.token, 'not-ana') == 200
    wait_for(lambda: ask(nodes.two, ana.token, 'ana') == 403, seconds=KNOWN_ELSEWHERE + 1)
    assert at(nodes.two, ana).session()['identity']['traits']['name'] == 'Anna'


def test_a_graceful_restart_forgets_nothing_that_was_ended(nodes, ana):
    os.kill(nodes.one.proc.pid, signal.SIGUSR1)
    wait_for(lambda: ask(nodes.one, ana.token) == 200)
    remember(nodes.one, ana.token)
    sign_out(nodes, ana)
    for _ in range(20):
        assert ask(nodes.one, ana.token) == 401


def test_who_is_too_far_behind_forgets_all_and_begins_anew(nodes, ana):
    nodes.one.sql("INSERT INTO session_changes (realm_id, identity_id, created_at) VALUES ('main', 'nobody', 1)")
    for _ in range(14):                             # more than a server reads at once
        nodes.one.sql("INSERT INTO session_changes (realm_id, identity_id, created_at) "
                      "SELECT realm_id, identity_id, created_at FROM session_changes WHERE identity_id = 'nobody'")
    wait_for(lambda: statements(nodes.one, ana.token) == 1)
    remember(nodes.one, ana.token)
    sign_out(nodes, ana)
    assert ask(nodes.one, ana.token) == 401
    nodes.one.sql("DELETE FROM session_changes WHERE identity_id = 'nobody'")


# -- when nobody can say ---------------------------------------------------------


def test_without_the_feed_memory_is_not_believed(request, mariadb_of_its_own, tmp_path):
    server = node(request, tmp_path, db=mariadb_of_its_own.fresh())
    client = member(server, 'native')
    remember(server, client.token)
    mariadb_of_its_own.kill()
    begin = time.monotonic()
    wait_for(lambda: ask(server, client.token) == 503)
    assert time.monotonic() - begin < KNOWN_ELSEWHERE
    mariadb_of_its_own.start()
    wait_for(lambda: ask(server, client.token) == 200)
    server.expect_log('KR04|KR1220|KR1208')
    end(server)


@pytest.fixture
def mariadb_of_its_own(server_kind):
    server = server_kind()
    yield server
    server.close()
