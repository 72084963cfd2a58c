# SPDX-License-Identifier: Apache-2.0
"""Sessions that live on while they are used: bounded in how often that is written, and in how long it goes on."""
import re
import urllib.error
import urllib.request
from datetime import datetime

import pytest

from conftest import end, start_gate
from lib.account import member
from lib.gate import add_pages
from lib.settings import merge, nested

LIFESPAN, EVERY, LONGEST = 3600, 300, 3 * 3600
PLACES = '<Location "/any">\nRequire kratos-session\n</Location>\n'
SLIDING = merge(nested('session.lifespan', '1h'), nested('mod_kratos.session', {'sliding': True, 'longest': '3h'}))


@pytest.fixture(scope='module', params=['off', '1m'], ids=['asked', 'remembered'])
def site(request, database):
    server = start_gate(request, database, PLACES, SLIDING, clock=True, session_cache=request.param, flags=['ui'])
    add_pages(server, 'any')
    yield server
    end(server)


def row(site, client):
    """When the session ends and was last seen, in µs."""
    sid = client.session_id
    return [int(value) for value in site.sql(f"SELECT expires_at, seen_at FROM sessions WHERE id = '{sid}'")[0]]


@pytest.fixture(params=['native', 'browser'])
def ana(request, site):
    client = member(site, request.param)
    client.session_id = client.session()['id']
    return client


def ask(site, client):
    """The gate: its status, and the cookie of the session that it sends."""
    name, value = client.cookie('ory_kratos_session')
    headers = {'X-Session-Token': client.token} if client.kind == 'native' else {'Cookie': f'{name}={value}'}
    try:
        with urllib.request.urlopen(urllib.request.Request(f'{site.gate}/any', headers=headers)) as answer:
            return answer.status, [c for c in answer.headers.get_all('Set-Cookie', []) if c.startswith('ory_kratos_session=')]
    except urllib.error.HTTPError as error:
        return error.code, []


def seconds(text):
    return datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()


def test_what_is_used_lives_on_and_that_is_written_now_and_then(site, ana):
    begin = row(site, ana)
    for _ in range(3):
        assert ask(site, ana) == (200, [])
    assert row(site, ana) == begin                  # no write within the first minutes
    site.clock.forward(EVERY + 1)
    status, cookies = ask(site, ana)
    assert status == 200 and len(cookies) == (ana.kind == 'browser')
    until, seen = row(site, ana)
    assert until - begin[0] >= EVERY * 1000000 and seen - begin[1] >= EVERY * 1000000
    for _ in range(5):
        ask(site, ana)
        ana.whoami().must(200)
    assert row(site, ana) == [until, seen]          # and once for all of them
    assert abs(seconds(ana.session()['expires_at']) * 1000000 - until) < 1000000


def test_who_comes_again_and_again_stays_in_and_who_is_idle_does_not(site, ana):
    for _ in range(3):
        site.clock.forward(LIFESPAN - 600)
        assert ask(site, ana)[0] == 200             # long behind the end that it began with
    site.clock.forward(LIFESPAN + 1)
    assert ask(site, ana)[0] == 401


def test_it_does_not_go_on_for_ever(site, ana):
    begin = row(site, ana)[0] - LIFESPAN * 1000000
    for _ in range(LONGEST // 1800 - 1):
        site.clock.forward(1800)
        assert ask(site, ana)[0] == 200
    assert row(site, ana)[0] <= begin + LONGEST * 1000000
    site.clock.forward(1801)
    assert ask(site, ana)[0] == 401


def test_a_browser_gets_the_cookie_of_the_row_from_whoami_too(site):
    client = member(site, 'browser')
    client.session_id = client.session()['id']
    before = client.cookie('ory_kratos_session')
    site.clock.forward(EVERY + 1)
    client.whoami().must(200)
    assert client.cookie('ory_kratos_session') != before
    assert ask(site, client) == (200, [])           # it has what it should have


def test_many_at_once_write_it_once(site, ana):
    from concurrent.futures import ThreadPoolExecutor
    site.clock.forward(EVERY + 1)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(site, ana)[0], range(24)))
    assert answers == [200] * 24
    assert abs(row(site, ana)[0] - row(site, ana)[1] - LIFESPAN * 1000000) < 1000


def test_an_ended_session_is_not_raised(site, ana):
    until, _ = row(site, ana)
    ana.logout()
    site.clock.forward(EVERY + 1)
    assert ask(site, ana)[0] == 401
    assert row(site, ana)[0] == until


def test_devices_say_when_they_were_last_active(site):
    here, there = member(site, 'browser'), site.native()
    there.login(here.email).must(200)
    site.clock.forward(EVERY + 1)
    assert 'seen_at' not in there.session()       # clients know of no such thing
    page = here.get('/ui/sessions').must(200).body.decode()
    times = re.findall(r'Last active <time datetime="([^"]+)"', page)
    assert len(times) == 2 and abs(seconds(times[0]) - seconds(times[1])) < 60


@pytest.mark.rules
def test_settings_that_would_end_sessions_in_use_are_refused(database):
    from test_settings import configtest
    good = 'KratosDatabase sqlite3 data/kratos.db\nKratosConfig kratos.yml\nKratosSet mod_kratos.session.sliding true\n'
    for line, word in (('KratosSet session.lifespan 5m', 'seen_every'), ('KratosSet mod_kratos.session.longest 1h', 'longest'),
                       ('KratosSet mod_kratos.session.seen_every 0s', 'seen_every')):
        status, said = configtest(good + line)
        assert status and word in said, said
