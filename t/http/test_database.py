# SPDX-License-Identifier: Apache-2.0
"""The store: what lies in it, what happens while it is down, and many servers at one database."""
import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request

import pytest

from lib.backends import modules
from lib.clients import PASSWORD, WRONG, Native, new_email
from lib.debian import make_certificate
from lib.serving import MariaDB, Server, free_port, scratch, status_of, wait_for
from lib.settings import base, nested, write


# -- at rest ---------------------------------------------------------------------

def everything(server):
    """All bytes that the database keeps, journal included."""
    return b''.join(f.read_bytes() for f in sorted(server.dir.glob('kratos.sqlite*')))


def test_nothing_in_a_backup_lets_anyone_in(serve_sqlite):
    server = serve_sqlite()
    email = new_email()
    app, page, person = server.native(), server.ajax(), server.browser()
    app.register(email).must(200)
    flow = page.start('login')
    page.submit('login', flow, {'method': 'password', 'identifier': email, 'password': WRONG}).must(400)
    page.login(email).must(200)
    person.login(email).must(303)
    old_token = app.token
    app.login(email, refresh='true').must(200)
    exchange = server.native().init('login', {'return_session_token_exchange_code': 'true'}).must(200)
    logout = page.get('/self-service/logout/browser').must(200).json['logout_token']

    secrets = {'password': PASSWORD, 'wrong password': WRONG, 'token': app.token, 'former token': old_token,
               'exchange code': exchange.json['session_token_exchange_code'], 'logout token': logout,
               'anti-CSRF token': flow.csrf}
    for client in (page, person):
        for name, value in client.cookies.items():
            secrets[f'{client.kind} {name}'] = value
    kept = everything(server)
    assert email.encode() in kept, 'the right file was looked at'
    for what, value in secrets.items():
        assert value.encode() not in kept, f'the {what} can be read'
        assert value.split('_')[-1].encode() not in kept, f'the {what} can be read'


def test_nothing_secret_stands_in_the_log(serve_sqlite):
    server = serve_sqlite(log='trace1')
    email = new_email()
    client = server.native()
    client.register(email).must(200)
    server.native().login(email, WRONG).must(400)
    log = server.log() + (server.dir / 'access.log').read_text()
    for secret in (PASSWORD, WRONG, client.token, 'a-cookie-secret-for-tests-only'):
        assert secret not in log


def test_deleted_rows_take_what_hangs_on_them_along(serve_sqlite):
    server = serve_sqlite()
    server.native().register(new_email()).must(200)
    assert server.rows('PRAGMA foreign_key_check') == []
    assert server.rows('PRAGMA integrity_check') == [('ok',)]


@pytest.mark.slow
def test_expired_rows_are_swept_away(serve_sqlite):
    server = serve_sqlite(mpm='prefork')        # many processes: one of them sweeps soon
    server.native().register(new_email()).must(200)
    client = server.native()
    client.register(new_email()).must(200)
    for _ in range(300):
        server.native().start('login')
    with contextlib.closing(sqlite3.connect(server.sqlite, timeout=10)) as db, db:
        db.execute("UPDATE flows SET expires_at = 1 WHERE kind = 'login'")
        db.execute('UPDATE sessions SET expires_at = 1 WHERE id != ?', [client.session()['id']])
    wait_for(lambda: not server.rows("SELECT 1 FROM flows WHERE kind = 'login'") and server.counts()['sessions'] == 1, 75, 0.5)
    assert server.counts()['identities'] == 2 and client.whoami().status == 200


COPY = """INSERT INTO flows SELECT lower(hex(randomblob(16))), realm_id, kind, type, state, active, ui, internal, request_url, csrf_hash,
    identity_id, schema_id, organization_id, login_challenge, refresh, requested_aal, submit_count, issued_at, ?, created_at, updated_at,
    spent FROM flows, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) SELECT i FROM n) WHERE id = ?"""


@pytest.mark.slow
def test_flows_that_anybody_made_and_nobody_submitted_do_not_pile_up(serve_sqlite):
    server = serve_sqlite()
    app = server.native()
    late, old, used = (app.start('login') for _ in range(3))
    app.submit('login', used, {'method': 'password', 'identifier': new_email(), 'password': WRONG}).must(400)
    now = int(time.time() * 1000000)
    with contextlib.closing(sqlite3.connect(server.sqlite, timeout=10)) as db, db:
        db.execute('UPDATE flows SET expires_at = ?', [now - 1200 * 1000000])
        db.execute('UPDATE flows SET expires_at = ? WHERE id = ?', [now - 1000000, late.flow_id])
        db.execute(COPY, [now - 1800 * 1000000, 40000, old.flow_id])
        db.execute(COPY, [now - 1800 * 1000000, 500, used.flow_id])
    slowest = 0

    def is_clean():
        nonlocal slowest
        _, took = timed(lambda: server.native().start('login'))
        slowest = max(slowest, took)
        return server.rows(f'SELECT COUNT(*) FROM flows WHERE expires_at < {now}') == [(502,)]
    wait_for(is_clean, 90, 0.1)
    assert slowest < 2, 'cleaning holds up nobody'
    # a little late is told so; much later only what was begun is remembered
    assert app.fetch('login', late.flow_id).status == 410
    assert app.fetch('login', used.flow_id).status == 410
    assert app.fetch('login', old.flow_id).status == 404


# -- a database that goes and comes back ---------------------------------------------

@pytest.fixture
def own_mariadb(server_kind):
    """A database server that the test may kill."""
    server = server_kind()
    yield server
    server.close()


def timed(call):
    begin = time.monotonic()
    return call(), time.monotonic() - begin


@pytest.mark.parametrize('how', ['stop', 'kill'])
def test_while_the_database_is_away_everything_says_503_and_then_goes_on(serve_sqlite, own_mariadb, how):
    server = serve_sqlite(db=own_mariadb.fresh(), gate=True)
    server.expect_log(r'kratos:error|kratos:crit')
    email = new_email()
    app = server.native()
    app.register(email).must(200)
    flow = app.init('login', {'refresh': 'true'})
    assert app.get(server.gate + '/').status == 200

    getattr(own_mariadb, how)()
    for what, ask in {
        'whoami': app.whoami,
        'gate': lambda: app.get(server.gate + '/'),
        'new flow': lambda: server.native().init('login'),
        'flow': lambda: app.fetch('login', flow.flow_id),
        'login': lambda: app.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD}),
        'readiness': lambda: app.get('/health/ready'),
    }.items():
        answer, took = timed(ask)
        assert answer.status == 503, f'{what}: {answer.status} {answer.body[:200]}'
        assert took < 6, f'{what} took {took:.1f} s'
        if what != 'readiness':
            assert int(answer.header('Retry-After')) > 0, what
    assert app.get('/health/alive').status == 200

    own_mariadb.start()
    wait_for(server.ready, 30)
    assert app.whoami().status == 200
    assert app.get(server.gate + '/').status == 200
    for _ in range(20):
        assert server.native().login(email).status == 200
    assert server.proc.poll() is None


@pytest.fixture
def over_tls(server_kind):
    """A database server with TLS, and the environment in which our group of options asks for it: (server, environment)."""
    folder = scratch('tls')
    cert, key = make_certificate(folder)
    (folder / '.my.cnf').write_text(f'[kratos]\nssl-ca={cert}\n')
    server = server_kind(options=f'--ssl-cert={cert} --ssl-key={key}')
    yield server, {'HOME': str(folder)}
    server.close()
    shutil.rmtree(folder)


def cut_all(mariadb):
    """Every connection but the one that asks. How many."""
    mine = "SELECT id FROM information_schema.processlist WHERE db LIKE 'kratos\\_%' AND id <> CONNECTION_ID()"
    rows = mariadb.query(mine)
    for number, in rows:
        mariadb.query(f'KILL CONNECTION {number}')
    return len(rows)


def test_connections_over_tls_that_break_are_replaced(serve_sqlite, over_tls):
    mariadb, env = over_tls
    server = serve_sqlite(db=mariadb.fresh() + ' group=kratos', env=env, mpm='prefork')
    server.expect_log('KR0400')
    assert int(mariadb.query("SHOW GLOBAL STATUS LIKE 'Ssl_accepts'")[0][1]) > 0, 'it speaks TLS'
    email = new_email()
    app = server.native()
    app.register(email).must(200)
    for _ in range(3):
        for _ in range(8):
            app.whoami().must(200)
        time.sleep(1.1)                         # an idle connection is what an operator's KILL meets
        assert cut_all(mariadb)
        for _ in range(8):
            app.whoami().must(200)
            app.login(email, refresh='true').must(200)
    mariadb.kill()
    assert app.whoami().status == 503 and app.init('login').status == 503
    mariadb.start()
    wait_for(server.ready, 30)
    app.whoami().must(200)
    app.login(email, refresh='true').must(200)


def test_a_gate_whose_database_is_away_lets_nobody_pass_a_negated_rule(serve_sqlite, own_mariadb):
    rule = '<Location "/guests">\n<RequireAll>\nRequire all granted\nRequire not kratos-session\n</RequireAll>\n</Location>\n'
    server = serve_sqlite(db=own_mariadb.fresh(), gate=True, lines={'gate_extra': rule})
    server.expect_log(r'error')
    client = server.native()
    client.register(new_email()).must(200)
    own_mariadb.stop()
    assert client.get(server.gate + '/guests').status >= 500


def test_a_server_starts_without_its_database_and_serves_once_it_comes(serve_sqlite, own_mariadb):
    db = own_mariadb.fresh()
    own_mariadb.stop()
    server = serve_sqlite(db=db, wait=False)
    server.expect_log(r'error')
    wait_for(lambda: status_of(server.url + '/health/alive') == 200)
    answer = server.native().init('login')
    assert answer.status == 503 and answer.header('Retry-After')
    own_mariadb.start()
    wait_for(lambda: all(server.ready() for _ in range(20)), 40)       # each process finds out by itself
    assert server.native().register(new_email()).status == 200


# -- what mod_info would show --------------------------------------------------------------

@pytest.fixture
def secrets(mariadb):
    """A folder of root's alone, with the parameters of a fresh database and a secret for cookies."""
    folder = scratch('secrets')
    folder.chmod(0o700)
    mariadb.query("CREATE USER IF NOT EXISTS keeper@localhost IDENTIFIED BY 'geheim-db'; GRANT ALL ON *.* TO keeper@localhost")
    params = mariadb.fresh().removeprefix('mysql ').replace('user=root', 'user=keeper pass=geheim-db')
    (folder / 'database').write_text(params.replace(' ', '\n') + '\n')
    (folder / 'cookie').write_text('geheim-cookie-q8Jw2Vn0xLr7\n')
    yield folder
    shutil.rmtree(folder)


def test_secrets_in_files_work_and_mod_info_shows_none(serve_sqlite, secrets):
    lines = f'''KratosSet secrets.cookie "['file://{secrets}/cookie']"
<Location "/server-info">
    SetHandler server-info
</Location>
'''
    server = serve_sqlite(nested('secrets', None), db=f'mysql file://{secrets}/database', lines={'global': modules('info'), 'extra': lines})
    email = new_email()
    server.native().register(email).must(200)
    with urllib.request.urlopen(server.url + '/server-info') as answer:
        shown = answer.read().decode()
    assert f'file://{secrets}/database' in shown and f'file://{secrets}/cookie' in shown
    assert 'geheim' not in shown and 'geheim' not in server.log()
    assert email in server.ctl('identity', 'list', '--set', f"secrets.cookie=['file://{secrets}/cookie']")


@pytest.mark.parametrize('text, told', [(None, 'cannot be read'), ('', 'is empty'), ('geheim', 'no.*key=value|not key=value')])
def test_a_file_that_holds_no_parameters_stops_httpd_with_its_name(serve_sqlite, secrets, text, told):
    file = secrets / 'broken'
    if text is not None:
        file.write_text(text)
    with pytest.raises(RuntimeError) as e:
        serve_sqlite(db=f'mysql file://{file}')
    assert re.search(told, str(e.value)) and 'geheim' not in str(e.value)


@pytest.fixture
def silent():
    """A database server that takes connections and never says a word."""
    with socket.create_server(('127.0.0.1', 0), backlog=100) as listening:
        yield f'mysql host=127.0.0.1 port={listening.getsockname()[1]} user=kratos dbname=kratos'


def restarts(server):
    return server.log().count('resuming normal operations')


@pytest.mark.parametrize('mpm', ['event', 'prefork'])
def test_neither_start_nor_graceful_restart_waits_for_a_database_that_says_nothing(serve_sqlite, silent, mpm):
    def start(db):
        server = serve_sqlite(db=db, mpm=mpm, wait=False)
        wait_for(lambda: status_of(server.url + '/health/alive') == 200 and restarts(server))
        return server

    def restart(server):
        before = restarts(server)
        server.proc.send_signal(signal.SIGUSR1)
        wait_for(lambda: restarts(server) > before)
        wait_for(lambda: status_of(server.url + '/health/alive') == 200)

    times = {}
    for name, db in [('file', None), ('silent', silent)] * 3:      # side by side, so that a busy machine is busy for both
        server, took = timed(lambda: start(db))
        server.expect_log('KR1208|KR0400|KR0001|KR1233')
        _, took_again = timed(lambda: restart(server))
        times.setdefault(name, []).append((took, took_again))
    for best, silents_best in zip(*([min(column) for column in zip(*rows)] for rows in times.values())):
        assert silents_best < best + 1, times                      # its greeting would be waited for 2 s


def test_the_first_requests_of_a_process_wait_for_its_first_look_at_the_database(serve_sqlite, mariadb):
    """Nobody is turned away with 503 because a child is young."""
    server = serve_sqlite(db=mariadb.fresh(), mpm='prefork')
    for _ in range(3):
        for pid in server.httpd()[1:]:
            os.kill(pid, signal.SIGKILL)
        server.expect_log('exit signal Killed')
        wait_for(lambda: status_of(server.url + '/health/alive') == 200)
        assert {server.native().init('login').status for _ in range(10)} == {200}


def test_a_silent_database_of_one_realm_holds_up_no_other(serve, silent, database):
    port = free_port()
    tree, folder = base(port), scratch('silent')
    other = f'''Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    KratosRealm silent
    KratosDatabase {silent.replace(' ', ' "', 1)}"
    KratosConfig "{write(folder, tree)}"
    <Location "/">
        SetHandler kratos
        Require all granted
    </Location>
</VirtualHost>
'''
    server = serve(lines={'global': other}, wait=False)
    server.expect_log('KR1208|KR0400|KR0001|KR1233')
    wait_for(lambda: status_of(server.url + '/health/alive') == 200)
    answer, took = timed(lambda: server.native().init('login'))
    assert answer.status == 200 and took < 2
    answer, took = timed(lambda: Native(f'http://127.0.0.1:{port}').init('login'))
    assert answer.status == 503 and took < 6
    shutil.rmtree(folder)


def test_a_locked_sqlite_file_is_503_and_not_500(serve_sqlite):
    server = serve_sqlite()
    server.expect_log('error')
    with contextlib.closing(sqlite3.connect(server.sqlite, isolation_level=None, timeout=10)) as lock:
        lock.execute('BEGIN EXCLUSIVE')
        answer, took = timed(lambda: server.native().init('login'))
        assert answer.status == 503 and answer.header('Retry-After'), answer.body
        assert took < 15
    assert server.native().init('login').status == 200


@pytest.mark.slow
def test_a_table_that_somebody_locks_is_503_and_holds_nobody_for_long(serve_sqlite, mariadb):
    db = mariadb.fresh()
    server = serve_sqlite(db=db)
    client = server.native()
    client.register(new_email()).must(200)
    operator = subprocess.Popen(['mariadb', '--no-defaults', f'--socket={mariadb.dir}/sock', '--user=root', '--unbuffered',
                                 db.rpartition('=')[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with operator:
        operator.stdin.write('LOCK TABLES flows WRITE; SELECT 1;\n')
        operator.stdin.flush()
        assert operator.stdout.readline()
        answer, took = timed(lambda: server.native().init('login'))
        assert answer.status == 503 and int(answer.header('Retry-After')) > 0, answer.body
        assert took < 20
        assert client.whoami().status == 200                # what needs another table goes on
        operator.stdin.close()
    assert server.native().init('login').status == 200


# -- many servers -----------------------------------------------------------------------

def test_ten_servers_may_make_the_tables_at_the_same_time(mariadb):
    db = mariadb.fresh()
    servers = [Server(base(port), port=port, db=db, wait=False) for port in [free_port() for _ in range(10)]]
    try:
        for server in servers:
            server.wait_ready(60)
        someone, email = Native(servers[0].url), new_email()
        someone.register(email).must(200)
        for server in servers[1:]:
            other = Native(server.url)
            other.token = someone.token
            assert other.whoami().status == 200
            assert other.login(email, refresh='true').status == 200
            someone.token = other.token
    finally:
        left = [line for server in servers for line in server.stop()]
    assert not left, left


def test_a_database_without_tables_is_not_served_when_migration_is_off(serve_sqlite):
    server = serve_sqlite(lines={'extra': 'KratosAutoMigrate Off\n'}, wait=False)
    server.expect_log('migrat|not usable yet')
    wait_for(lambda: status_of(server.url + '/health/alive') == 200)
    assert server.native().init('login').status == 503
    assert 'kratosctl migrate' in server.log()
