# SPDX-License-Identifier: Apache-2.0
"""The work around a password: the breached list, the limit on hashing, rehashing, and equal costs for everybody."""
import hashlib
import json
import statistics
import threading
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lib.clients import PASSWORD, WRONG, messages, new_email
from lib.settings import merge

BREACHED = 'breached-Horse-battery-9'


# -- the breached list ----------------------------------------------------------

class RangeApi:
    """The range API of the list of breached passwords, with one password in it."""

    def __init__(self):
        api = self
        self.asked, self.status = [], 200

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                api.asked.append(self.path)
                digest = hashlib.sha1(BREACHED.encode()).hexdigest().upper()
                lines = ['0018A45C4D1DEF81644B54AB7F969B88D65:1', f'{digest[5:]}:47', '011053FD0102E94D6AE2F8B83D76FAF94F6:0']
                body = '\r\n'.join(lines).encode()
                self.send_response(api.status)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.host = f'http://127.0.0.1:{self.server.server_address[1]}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def range_api():
    api = RangeApi()
    yield api
    api.close()


def asking(host, **config):
    return {'selfservice': {'methods': {'password': {'config': {
        'haveibeenpwned_enabled': True, 'haveibeenpwned_host': host, **config}}}}}


def try_to_register(server, password):
    client = server.native()
    return client.submit('registration', client.start('registration'),
                         {'method': 'password', 'password': password, 'traits': {'email': new_email()}})


def test_a_breached_password_is_refused(serve_sqlite, range_api):
    server = serve_sqlite(asking(range_api.host))
    answer = try_to_register(server, BREACHED)
    assert answer.status == 400 and 4000034 in messages(answer)
    assert try_to_register(server, PASSWORD).status == 200


def test_only_five_digits_of_the_hash_leave_the_house(serve_sqlite, range_api):
    try_to_register(serve_sqlite(asking(range_api.host)), BREACHED)
    assert range_api.asked == ['/range/' + hashlib.sha1(BREACHED.encode()).hexdigest().upper()[:5]]


def test_an_answer_is_asked_for_once_per_process(serve_sqlite, range_api):
    server = serve_sqlite(asking(range_api.host))
    for _ in range(10):
        assert 4000034 in messages(try_to_register(server, BREACHED))
    assert len(range_api.asked) <= len(server.httpd()) - 1


def test_a_few_breaches_can_be_allowed(serve_sqlite, range_api):
    server = serve_sqlite(asking(range_api.host, max_breaches=100))
    assert try_to_register(server, BREACHED).status == 200


@pytest.mark.parametrize('trouble', ['down', 'broken'])
def test_without_an_answer_registration_goes_on_or_not_as_the_settings_say(serve_sqlite, range_api, trouble):
    range_api.status = 500
    host = range_api.host if trouble == 'broken' else 'http://127.0.0.1:9'      # nobody listens at "discard"
    open_, closed = (serve_sqlite(asking(host, ignore_network_errors=ignore)) for ignore in (True, False))
    for server in (open_, closed):
        server.expect_log(r'breach|range|127\.0\.0\.1')
    assert try_to_register(open_, BREACHED).status == 200
    answer = try_to_register(closed, BREACHED)
    assert answer.status >= 400 and b'session_token' not in answer.body


def test_the_list_is_not_asked_at_login(serve_sqlite, range_api):
    server = serve_sqlite(asking(range_api.host, max_breaches=100))
    email = new_email()
    server.native().register(email, BREACHED).must(200)
    before = len(range_api.asked)
    assert server.native().login(email, BREACHED).status == 200
    assert len(range_api.asked) == before


# -- the limit on hashing --------------------------------------------------------

SLOW_HASH = {'hashers': {'argon2': {'memory': '64MB', 'iterations': 6, 'parallelism': 1}}}


def test_more_logins_than_can_be_hashed_are_sent_away_and_all_else_still_answers(serve_sqlite):
    server = serve_sqlite(SLOW_HASH, gate=True, lines={'global': 'KratosHashing 1 1 2\n'})
    email = new_email()
    someone = server.native()
    someone.register(email).must(200)
    clients = [server.native() for _ in range(12)]
    flows = [c.start('login') for c in clients]
    credentials = {'method': 'password', 'identifier': email, 'password': PASSWORD}
    with ThreadPoolExecutor(12) as pool:
        logins = [pool.submit(c.submit, 'login', f, credentials) for c, f in zip(clients, flows)]
        slowest = 0
        while not all(login.done() for login in logins):
            begin = time.monotonic()
            assert someone.whoami().status == 200
            assert someone.get(server.gate + '/').status == 200
            slowest = max(slowest, time.monotonic() - begin)
            time.sleep(0.02)            # a visitor, not a load
    answers = [login.result() for login in logins]
    refused = [a for a in answers if a.status == 503]
    assert {a.status for a in answers} == {200, 503}
    assert all(int(a.header('Retry-After')) > 0 for a in refused)
    assert slowest < 0.5, 'whoami or the gate waited behind the hashing'
    assert server.native().login(email).status == 200


# -- rehashing ---------------------------------------------------------------------

def stored_hash(server, email):
    (config,), = server.rows("SELECT c.config FROM identity_credentials c JOIN identity_identifiers i ON i.credential_id = c.id "
                             f"WHERE i.identifier = '{email}' AND i.type = 'password'")
    return json.loads(config)['hashed_password']


@pytest.mark.parametrize('hashers, begins', [
    ({'algorithm': 'argon2', 'argon2': {'memory': '2MB', 'iterations': 2, 'parallelism': 1}}, '$argon2id$v=19$m=2048,t=2,p=1$'),
    ({'algorithm': 'bcrypt', 'bcrypt': {'cost': 12}}, '$2'),
], ids=['other parameters', 'another algorithm'])
def test_a_login_renews_a_hash_made_with_former_settings(serve_sqlite, stop, hashers, begins):
    email = new_email()
    server = serve_sqlite()
    server.native().register(email).must(200)
    first = stored_hash(server, email)
    assert first.startswith('$argon2id$v=19$m=1024,t=1,p=1$')
    stop(server, keep=True)

    server = serve_sqlite({'hashers': hashers}, dir=server.dir, port=server.port)
    server.native().login(email, WRONG)
    assert stored_hash(server, email) == first, 'a wrong password changed the hash'
    assert server.native().login(email).status == 200
    second = stored_hash(server, email)
    assert second.startswith(begins)
    assert server.native().login(email).status == 200
    assert stored_hash(server, email) == second, 'hashed again though nothing changed'


def test_a_long_password_is_too_long_for_bcrypt_only(serve_sqlite):
    bcrypt = serve_sqlite({'hashers': {'algorithm': 'bcrypt', 'bcrypt': {'cost': 12}}})
    answer = try_to_register(bcrypt, 'x7' * 37)
    assert answer.status == 400 and 4000033 in messages(answer)
    assert try_to_register(serve_sqlite(), 'x7' * 37).status == 200


def test_passwords_are_compared_to_the_last_byte(serve_sqlite):
    server = serve_sqlite()
    for password in ('x7' * 50, 'pässwörd-日本語-🐎', 'with blanks at the end  ', '\ttab and "quotes" & <angles>'):
        email = new_email()
        server.native().register(email, password).must(200)
        assert server.native().login(email, password).status == 200
        assert server.native().login(email, password[:-1]).status == 400
        assert server.native().login(email, password + 'x').status == 400


@pytest.mark.parametrize('form', ['NFC', 'NFD'])
def test_a_password_is_the_same_from_every_keyboard(serve_sqlite, form):
    """A Mac sends letter and accent apart, a phone as one."""
    server, email = serve_sqlite(), new_email()
    word, new = ({f: unicodedata.normalize(f, p) for f in ('NFC', 'NFD')} for p in ('pässwörd-가-é', 'nächstes-wört-é'))
    assert word['NFC'] != word['NFD']
    client = server.native()
    client.register(email, word[form]).must(200)
    for typed in word.values():
        assert server.native().login(email, typed).status == 200
    assert server.native().login(email, 'password-가-e').status == 400
    flow = client.start('settings')
    client.submit('settings', flow, {'method': 'password', 'password': new[form]}).must(200)
    for typed in new.values():
        assert server.native().login(email, typed).status == 200
    for typed in word.values():
        assert server.native().login(email, typed).status == 400


# -- equal costs --------------------------------------------------------------------

def test_an_unknown_address_takes_as_long_as_a_wrong_password(serve_sqlite):
    server = serve_sqlite({'hashers': {'argon2': {'memory': '32MB', 'iterations': 2, 'parallelism': 1}}})
    known = new_email()
    server.native().register(known).must(200)

    def seconds(email):
        client = server.native()
        flow = client.start('login')
        begin = time.perf_counter()
        client.submit('login', flow, {'method': 'password', 'identifier': email, 'password': WRONG}).must(400)
        return time.perf_counter() - begin

    times = {'known': [], 'unknown': []}
    for _ in range(11):
        times['known'].append(seconds(known))
        times['unknown'].append(seconds(new_email('nobody')))
    known_time, unknown_time = statistics.median(times['known']), statistics.median(times['unknown'])
    assert 0.7 < unknown_time / known_time < 1.4, times
