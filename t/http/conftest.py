# SPDX-License-Identifier: Apache-2.0
"""Fixtures: servers on both databases, clients of the three kinds, and an eye on every server's error log."""
import sys
from inspect import signature

import pytest

from lib import clients
from lib.account import account
from lib.backends import Http
from lib.ctl import Ctl
from lib.debian import Machine
from lib.factors import FACTORS
from lib.fixtures import afresh, forget, hydra, post, provider, target  # noqa: F401
from lib.serving import MariaDB, MySQL, Server, free_port
from lib.settings import UI, base, merge, nested

sys.dont_write_bytecode = True
_running = []           # every server that a fixture started and has not stopped


def pytest_addoption(parser):
    parser.addoption('--san', action='store_true', help='serve the sanitized build')
    parser.addoption('--database', choices=['sqlite', 'mariadb', 'mysql'],
                     help='on this database only; mysql: also where a test wants any server')
    parser.addoption('--described', action='store_true', help='all that clients are answered is to be as docs/openapi.json says')


def pytest_configure(config):
    if config.getoption('--described'):
        from lib.described import Told
        told = Told()
        for client in clients.KINDS.values():
            client.told = told


def pytest_generate_tests(metafunc):
    if 'database' in metafunc.fixturenames:
        only = metafunc.config.getoption('--database') or (metafunc.definition.get_closest_marker('rules') and 'sqlite')
        metafunc.parametrize('database', [only] if only else ['sqlite', 'mariadb'], indirect=True, scope='session')


def pytest_collection_modifyitems(items):
    """A file whose parameters do not all go together says in is_a_case which do: the others are no tests."""
    items[:] = [item for item in items if is_a_case(item)]


def is_a_case(item):
    judge = hasattr(item, 'callspec') and getattr(item.module, 'is_a_case', None)
    return not judge or judge(**{name: item.callspec.params[name] for name in signature(judge).parameters if name in item.callspec.params})


class Database:
    """Where servers of a test keep their data. `mariadb` is None for SQLite."""

    def __init__(self, name, mariadb=None):
        self.name, self.mariadb = name, mariadb

    def fresh(self):
        """For build/serve's --db: None is SQLite in the server's own folder."""
        return self.mariadb.fresh() if self.mariadb else None


@pytest.fixture(scope='session')
def server_kind(request):
    """MariaDB, or MySQL where that was asked for."""
    return MySQL if request.config.getoption('--database') == 'mysql' else MariaDB


@pytest.fixture(scope='session')
def mariadb(server_kind):
    """The database server that tests share."""
    server = server_kind()
    yield server
    server.close()


@pytest.fixture(scope='session')
def database(request):
    return Database(request.param, request.getfixturevalue('mariadb') if request.param != 'sqlite' else None)


def start(request, database=None, changes=None, **kw):
    """A server with the base settings, changed. Its log is watched from now on."""
    flags = list(kw.pop('flags', [])) + (['san'] if request.config.getoption('--san') else [])
    if 'db' not in kw and database:
        kw['db'] = database.fresh()
    port = kw.pop('port', None) or free_port()
    tree = changes if isinstance(changes, str) else merge(base(port), changes or {})
    server = Server(tree, port=port, flags=flags, **kw)
    server.browser = lambda: clients.Browser(server.url)
    server.ajax = lambda: clients.Ajax(server.url)
    server.native = lambda: clients.Native(server.url)
    server.ctl = Ctl(server)
    server.client = lambda kind: clients.KINDS[kind](server.url)
    _running.append(server)
    return server


def start_gate(request, database, places, changes=None, also=(), before='', **kw):
    """A server with a guarded site beside the API. `places` are httpd's lines in that site, `before` those ahead of all;
    `also` names other places to return to. The site stands at .gate, on .gate_port."""
    port = free_port()
    urls = nested('selfservice.allowed_return_urls', [UI, f'http://127.0.0.1:{port}', *also])
    lines = {'gate_extra': places} | ({'global': before} if before else {})
    server = start(request, database, merge(urls, changes or {}), gate=port, lines=lines, **kw)
    server.gate_port = port
    return server


def end(server):
    if server in _running:
        _running.remove(server)
    left = server.stop()
    assert not left, 'unannounced lines in the error log:\n' + '\n'.join(left)


@pytest.fixture(scope='module')
def server(request, database):
    """One server with the base settings for all tests of a file."""
    server = start(request, database)
    yield server
    end(server)


@pytest.fixture(scope='module')
def factors(request, database):
    """A server whose people have authenticator apps and recovery codes."""
    server = start(request, database, FACTORS, clock=True)
    yield server
    end(server)


@pytest.fixture(scope='module')
def strict_factors(request, database):
    """The same, where factors change within a minute after the sign-in only."""
    server = start(request, database, merge(FACTORS, nested('selfservice.flows.settings.privileged_session_max_age', '1m')), clock=True)
    yield server
    end(server)


@pytest.fixture(scope='module')
def backend():
    """An application behind mod_proxy."""
    backend = Http(str.lower)
    yield backend
    backend.close()


@pytest.fixture(scope='module')
def linked(request, database, post):
    """A server whose people verify addresses and come back in by links, instead of codes."""
    server = start(request, database, account('link', uri=post.uri))
    yield server
    end(server)


@pytest.fixture
def ctl(site):
    """kratosctl for the server of a file."""
    return site.ctl


def _factory(request, database):
    mine = []

    def serve(changes=None, **kw):
        mine.append(start(request, database, changes, **kw))
        return mine[-1]

    yield serve
    for server in mine:
        if server in _running:
            end(server)


@pytest.fixture
def serve(request, database):
    """serve(changes) starts a server with the base settings, changed; it ends with the test."""
    yield from _factory(request, database)


@pytest.fixture
def serve_sqlite(request):
    """As serve, on SQLite only: where the database does not matter, or the test looks into its file."""
    yield from _factory(request, None)


@pytest.fixture
def stop():
    """Stops a server before the test ends; with keep=True its folder stays for another start."""
    def stop_now(server, keep=False, graceful=False):
        _running.remove(server)
        left = server.stop(keep, graceful)
        assert not left, 'unannounced lines in the error log:\n' + '\n'.join(left)
    return stop_now


@pytest.fixture
def machine():
    """machine(guide, ...) is a Debian machine on which somebody did what that page says; machine() is one as it came."""
    mine = []

    def make(guide=None, start=True, sites=None, kratos=None, files=None, **kw):
        if guide:
            it = Machine(sites or guide.sites, kratos or guide.kratos, guide.modules, guide.without, **kw)
        else:
            it = Machine(installed=False)
        mine.append(it)
        it.expect_log('AH01630|AH01631|AH01114|AH00957')      # refusals by httpd's own modules; a backend that is down
        _running.append(it)
        for name, text in {**(guide.files if guide else {}), **(files or {})}.items():
            it.put(name, text)
        return it.start() if start and guide else it
    yield make
    for it in mine:
        if it in _running:
            end(it)


@pytest.fixture(params=['browser', 'ajax', 'native'])
def kind(request):
    return request.param


@pytest.fixture(autouse=True)
def error_log():
    """A test fails when a server complained about something that the test did not announce."""
    yield
    lines = [line for server in list(_running) for line in server.alarms()]
    assert not lines, 'unannounced lines in the error log:\n' + '\n'.join(lines)
