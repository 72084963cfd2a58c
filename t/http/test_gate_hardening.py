# SPDX-License-Identifier: Apache-2.0
"""Ways around the gate, into somebody else's name, or into a hang: each was open once."""
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import end, start_gate
from lib.backends import modules, of_kratos, told
from lib.clients import Native, new_email
from lib.gate import OPERATOR, add_operator, add_pages, add_script, basic, realm_blue
from lib.serving import scratch, status_of, wait_for
from lib.settings import nested

pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def folder():
    """A folder of httpd's user, for its cache and its password file."""
    folder = scratch('hardening')
    add_operator(folder)
    yield folder
    shutil.rmtree(folder)


PLACES = '''
<Location "/app">
    Require kratos-session
    ProxyPass "http://127.0.0.1:{backend}/app"
</Location>
CacheEnable disk "/app"
CacheRoot "{folder}/cache"
CacheIgnoreNoLastMod On
CacheDefaultExpire 3600

<Location "/operators">
    AuthType Basic
    AuthName "operators"
    AuthUserFile "{folder}/users"
    <RequireAll>
        Require kratos-session
        Require valid-user
    </RequireAll>
    ProxyPass "http://127.0.0.1:{backend}/operators"
</Location>

<Location "/blue">
    KratosRealm blue
    Require all granted
    ProxyPass "http://127.0.0.1:{backend}/blue"
</Location>
<DirectoryMatch "/gate/to-blue">
    RewriteEngine On
    RewriteRule "^(.*)$" "/blue/$1"
</DirectoryMatch>
<Location "/script">
    KratosRealm blue
    Require all granted
    Options +ExecCGI
    SetHandler cgi-script
</Location>
<DirectoryMatch "/gate/from-main">
    RewriteEngine On
    RewriteRule "^(.*)$" "/script/x"
</DirectoryMatch>
<DirectoryMatch "/gate/to-app">
    RewriteEngine On
    RewriteRule "^(.*)$" "/app/$1"
</DirectoryMatch>
<DirectoryMatch "/gate/part">
    Require all granted
    <Files "index.html">
        Require kratos-session
    </Files>
</DirectoryMatch>
'''


@pytest.fixture(scope='module')
def site(request, backend, folder):
    (folder / 'cache').mkdir()
    shutil.chown(folder / 'cache', 'www-data', 'www-data')
    server = start_gate(request, None, PLACES.format(backend=backend.port, folder=folder),
                        before=modules('cache', 'cache_disk') + realm_blue(folder))
    add_script(server, 'script')
    add_pages(server, 'to-blue', 'to-app', 'part', 'from-main')
    server.expect_log('AH01630')            # httpd says when it denies
    yield server
    end(server)


@pytest.fixture
def app(site):
    """A program with a session token."""
    client = site.native()
    client.register(new_email()).must(200)
    return client


# -- caches -------------------------------------------------------------------------

@pytest.mark.parametrize('n, answers_with', list(enumerate([
    '', 'Cache-Control=max-age%3D3600', 'Expires=Fri,%2001%20Jan%202100%2000:00:00%20GMT',
    'Last-Modified=Wed,%2001%20Jan%202020%2000:00:00%20GMT', 'Cache-Control=max-age%3D60&Cache-Control=no-transform'])))
def test_what_one_was_shown_is_not_given_to_everybody_from_the_cache(site, app, n, answers_with):
    url = f'{site.gate}/app/{n}?{answers_with}'
    assert 'private' in app.get(url).must(200).header('Cache-Control')
    assert site.native().get(url).status == 401
    assert site.browser().get(url).status == 303


def test_an_app_may_say_itself_that_its_answer_is_for_all(site, app):
    url = f'{site.gate}/app/logo?Cache-Control=public,%20max-age%3D60'
    assert app.get(url).must(200).header('Cache-Control') == 'public, max-age=60'
    assert site.native().get(url).status == 200, 'from the cache'


@pytest.mark.parametrize('path, status', [('/', 200), ('/part/', 200), ('/nowhere', 404)])
def test_whatever_lies_behind_the_gate_is_private_errors_too(site, app, path, status):
    assert app.get(site.gate + path).must(status).header('Cache-Control') == 'private'


# -- somebody else's login --------------------------------------------------------------

def test_a_session_is_no_password_of_another_module(site, app):
    answer = app.get(site.gate + '/operators')
    assert answer.status == 401 and answer.header('WWW-Authenticate').startswith('Basic')
    site.expect_log('AH01617|AH01631')      # a wrong password; no session
    assert app.get(site.gate + '/operators', headers=basic('wrong')).status == 401
    assert site.native().get(site.gate + '/operators', headers=OPERATOR).status in (401, 403)
    told = of_kratos(app.get(site.gate + '/operators', headers=OPERATOR))
    assert told['x-kratos-identity-id'] == app.session()['identity']['id']


# -- what the application is told ----------------------------------------------------------

@pytest.mark.parametrize('header', ['Connection', 'Proxy-Connection'])
@pytest.mark.parametrize('value', [
    'X-Kratos-Identity-Id, X-Kratos-Session-Id, X-Kratos-Aal', 'close, x-kratos-identity-id', 'X-KRATOS-IDENTITY-ID,close',
    'x_kratos_identity_id ,\tX-Kratos-Identity-Id', ',,X-Kratos-Identity-Id,,'])
def test_a_client_can_not_make_the_proxy_drop_what_the_app_is_told(site, app, header, value):
    connection = http.client.HTTPConnection('127.0.0.1', urlsplit(site.gate).port, timeout=10)
    connection.putrequest('GET', '/app/told')
    connection.putheader('X-Session-Token', app.token)
    connection.putheader(header, value)
    connection.endheaders()
    answer = connection.getresponse()
    told = dict(json.loads(answer.read()))
    assert (answer.getheader('Connection') == 'close') == (header == 'Connection' and 'close' in value)
    connection.close()
    assert told['x-kratos-identity-id'] == app.session()['identity']['id'] and told['x-kratos-aal'] == 'aal1'


def test_other_headers_may_still_be_dropped(site, app):
    answer = app.get(site.gate + '/app/told', headers={'Connection': 'X-Foo, X-Kratos-Aal', 'X-Foo': '1', 'X-Bar': '2'})
    told = dict(answer.must(200).json)
    assert 'x-foo' not in told and told['x-bar'] == '2' and told['x-kratos-aal'] == 'aal1'


def test_after_a_redirect_inside_the_app_is_told_as_before(site, app):
    told = of_kratos(app.get(site.gate + '/to-app/x'))
    assert told['x-kratos-identity-id'] == app.session()['identity']['id']


def test_who_somebody_is_in_one_realm_is_not_told_to_another_realms_app(site, app):
    assert of_kratos(app.get(site.gate + '/to-blue/x')) == {}
    assert site.native().get(site.gate + '/to-blue/x').status == 401
    heard = told(app.get(site.gate + '/from-main/x').must(200).body, True)
    assert dict(heard)['REDIRECT_URL'] == '/from-main/x' and [name for name, _ in heard if 'KRATOS' in name] == []


# -- a guarded file that stands for its folder ------------------------------------------------

def test_a_person_comes_back_to_a_folder_whose_index_is_guarded(site):
    away = site.browser().get(site.gate + '/part/?a=b')
    assert away.status == 303 and away.header('Cache-Control') == 'no-store'
    assert parse_qs(urlsplit(away.location).query)['return_to'] == [site.gate + '/part/?a=b']


def test_a_program_is_refused_with_all_headers_at_a_folder_whose_index_is_guarded(site, app):
    answer = site.native().get(site.gate + '/part/')
    assert answer.status == 401 and answer.header('Cache-Control') == 'no-store'
    assert answer.header('WWW-Authenticate') == 'Bearer realm="main"'
    assert site.browser().post(site.gate + '/part/', {'a': 'b'}).status == 401
    assert b'this is part' in app.get(site.gate + '/part/').must(200).body


# -- while the database is not ready -------------------------------------------------------------

GUESTS = '''
<Location "/tab">
    <RequireAll>
        Require all granted
        Require not\tkratos-session
    </RequireAll>
</Location>
<Location "/quoted">
    <RequireAll>
        Require all granted
        Require "not" kratos-session
    </RequireAll>
</Location>
<Location "/upper">
    <RequireAll>
        Require all granted
        REQUIRE  NOT  kratos-session
    </RequireAll>
</Location>
<Location "/none">
    <RequireAll>
        Require all granted
        <RequireNone>
            <RequireAny>
                Require kratos-session
            </RequireAny>
        </RequireNone>
    </RequireAll>
</Location>
'''


@pytest.fixture
def unready(serve_sqlite):
    """A server whose database never gets its tables."""
    server = serve_sqlite(lines={'extra': 'KratosAutoMigrate Off\n', 'gate_extra': GUESTS}, gate=True, wait=False)
    server.expect_log('migrat|not usable yet|KR1220|AH01630|AH0162|authz_core')
    wait_for(lambda: status_of(server.url + '/health/alive') == 200)
    return server


@pytest.mark.parametrize('place', ['tab', 'quoted', 'upper', 'none'])
def test_nobody_is_a_guest_while_nobody_can_say_who_is_there(unready, place):
    (unready.dir / 'gate' / place).write_text('for guests')
    assert unready.native().get(f'{unready.gate}/{place}').status >= 500


@pytest.mark.parametrize('place', ['tab', 'quoted', 'upper', 'none'])
def test_without_a_session_everybody_is_a_guest(serve_sqlite, place):
    server = serve_sqlite(lines={'gate_extra': GUESTS}, gate=True)
    server.expect_log('AH01630')
    (server.dir / 'gate' / place).write_text('for guests')
    app = server.native()
    app.register(new_email()).must(200)
    assert server.native().get(f'{server.gate}/{place}').status == 200
    assert app.get(f'{server.gate}/{place}').status in (401, 403)


ALIAS = '''
<Location "/alias">
    <RequireAll>
        Require all granted
        Require not members
    </RequireAll>
</Location>
'''
MEMBERS = '<AuthzProviderAlias kratos-session members "">\n</AuthzProviderAlias>\n'


def test_an_alias_under_not_lets_nobody_in_while_nobody_can_say_who_is_there(serve_sqlite):
    server = serve_sqlite(lines={'global': MEMBERS, 'extra': 'KratosAutoMigrate Off\n', 'gate_extra': ALIAS}, gate=True, wait=False)
    server.expect_log('migrat|not usable yet|KR1220|AH01630|AH0162|authz_core')
    wait_for(lambda: status_of(server.url + '/health/alive') == 200)
    assert server.native().get(f'{server.gate}/alias').status >= 500


def test_a_database_that_is_down_is_complained_of_once_a_second(unready):
    begun = time.monotonic()
    for _ in range(150):
        assert unready.native().get(unready.gate + '/').status == 503
    seconds = time.monotonic() - begun
    complaints = unready.log().count('KR1220')
    assert 1 <= complaints <= 2 * (seconds + 2), complaints     # two processes


def test_what_is_said_in_between_is_not_kept_by_anybody(unready):
    answer = unready.native().init('login')
    assert answer.status == 503 and answer.header('Cache-Control') == 'no-store' and answer.header('Retry-After')
    answer = unready.native().request('POST', '/self-service/login', headers={'Content-Length': str(99 << 20)})
    assert answer.status == 413 and answer.header('Cache-Control') == 'no-store'


# -- proxies in front ----------------------------------------------------------------------------------

FORGED = {'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.example'}


def test_nobody_says_by_a_header_under_which_name_the_server_was_called(site):
    flow = site.native().init('login', headers=FORGED).must(200).json
    assert flow['request_url'].startswith(site.url + '/self-service/login/api')
    away = site.browser().get(site.gate + '/', headers=FORGED).must(303)
    assert 'evil' not in away.location


def test_a_proxy_that_is_trusted_says_it_and_its_word_is_the_last(serve_sqlite):
    server = serve_sqlite(lines={'extra': 'KratosTrustForwarded On\n'})
    headers = {'X-Forwarded-Proto': 'http,https', 'X-Forwarded-Host': 'evil.example, id.example.org'}
    flow = server.native().init('login', headers=headers).must(200).json
    assert flow['request_url'].startswith('https://id.example.org/self-service/login/api')
    flow = server.native().init('login', headers={'X-Forwarded-Host': 'a b', 'X-Forwarded-Proto': 'gopher'}).must(200).json
    assert flow['request_url'].startswith('http://a/self-service') or flow['request_url'].startswith(server.url)


# -- databases that fall silent ---------------------------------------------------------------------------

def stop_takes(server):
    begun = time.monotonic()
    os.kill(server.proc.pid, signal.SIGTERM)
    server.proc.wait(30)
    return time.monotonic() - begun


def next_try(silent, taken):
    """Takes what waits at that socket, then one connection more; all stay open as long as `taken`."""
    silent.settimeout(0.5)
    with contextlib.suppress(TimeoutError):
        while True:
            taken.enter_context(silent.accept()[0])
    silent.settimeout(20)
    taken.enter_context(silent.accept()[0])


@pytest.mark.slow
@pytest.mark.parametrize('mpm', ['event', 'prefork'])
def test_a_database_that_takes_connections_and_says_nothing_holds_nobody_up(serve_sqlite, mpm):
    with socket.create_server(('127.0.0.1', 0), backlog=100) as silent, contextlib.ExitStack() as taken:
        port = silent.getsockname()[1]
        begun = time.monotonic()
        server = serve_sqlite(db=f'mysql host=127.0.0.1 port={port} user=kratos dbname=kratos', mpm=mpm, wait=False)
        server.expect_log('not usable yet|KR0400|kratos:error')
        wait_for(lambda: status_of(server.url + '/health/alive') == 200, 15)
        assert time.monotonic() - begun < 10
        begun = time.monotonic()
        assert server.native().init('login').status == 503
        assert time.monotonic() - begun < 3
        next_try(silent, taken)             # a background thread is trying just now
        assert stop_takes(server) < 8
        assert 'says nothing' in server.log()


@pytest.mark.slow
@pytest.mark.parametrize('mpm', ['event', 'prefork'])
def test_a_database_that_falls_silent_in_a_statement_does_not_keep_the_server_from_stopping(serve_sqlite, server_kind, mpm):
    mariadb = server_kind(tcp=True)
    frozen = None
    try:
        mail = nested('courier.smtp.connection_uri', 'smtp://127.0.0.1:1/')      # so that somebody looks every second
        server = serve_sqlite(mail, db=mariadb.fresh(), mpm=mpm)
        server.expect_log('KR0421|KR0400')
        frozen = mariadb.pid()
        connected = "SELECT COUNT(*) FROM information_schema.processlist WHERE db LIKE 'kratos%'"
        wait_for(lambda: int(mariadb.query(connected)[0][0]) >= len(server.httpd()) - 1)
        os.kill(frozen, signal.SIGSTOP)
        time.sleep(1.5)                     # whoever looks every second waits for an answer by now, and cannot say so
        assert stop_takes(server) < 9
        assert 'SIGKILL' not in server.log()
    finally:
        if frozen:
            os.kill(frozen, signal.SIGCONT)
        mariadb.close()


@pytest.mark.slow
def test_under_prefork_requests_and_the_background_thread_share_no_memory(serve_sqlite):
    """A crash would show as 'exit signal' in the log, which no test may leave."""
    server = serve_sqlite(nested('courier.smtp.connection_uri', 'smtp://127.0.0.1:1/'), mpm='prefork')

    def work(_):
        client, email = Native(server.url), new_email()
        client.register(email).must(200)
        for _ in range(15):
            client.whoami().must(200)
            client.start('login', {'refresh': 'true'})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
