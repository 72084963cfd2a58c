# SPDX-License-Identifier: Apache-2.0
"""KratosKeepPost: a form that meets a gate is kept while its person signs in, and sent once they say so. By nobody else, and once."""
import http.client
import re
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from conftest import end, start_gate
from lib.account import account, member
from lib.backends import modules
from lib.clients import PASSWORD, new_email
from lib.serving import Server
from lib.settings import base, merge, nested

pytestmark = pytest.mark.san

PLACES = '''
Protocols h2c http/1.1
<Location "/">
    Require kratos-session
    KratosKeepPost 4k
</Location>
<Location "/off">
    KratosKeepPost Off
</Location>
<Location "/large">
    KratosKeepPost 256k
</Location>
<Location "/fresh">
    Require kratos-session max-age=15m
    KratosKeepPost 64k
</Location>
<Location "/strong">
    Require kratos-aal aal2
</Location>
<Location "/programs">
    KratosUnauthenticated 401
</Location>
<Location "/all">
    KratosUnauthenticated redirect
</Location>
<Location "/open">
    Require all granted
    KratosKeepPost Off
    RewriteEngine On
    RewriteRule .* /inner/x [L]
</Location>
<Location "/moved">
    RewriteEngine On
    RewriteRule .* /inner/x [L]
</Location>
<Location "/admins">
    Require kratos-metadata roles admin
</Location>
<Location "/parts">
    Require all granted
    Options +Includes
    SetOutputFilter INCLUDES
</Location>
ProxyPass "/parts" "!"
ProxyPass "/moved" "!"
ProxyPass "/open" "!"
ProxyPass "/" "http://127.0.0.1:{backend}/"
'''
FORM = {'text': 'A letter & more: ü%20\r\nsecond line', 'csrf_token': 'of the application', 'choice': ['1', '2'], 'empty': ''}
BODY = urlencode(FORM, doseq=True)
URLENCODED = 'application/x-www-form-urlencoded'


class App:
    """Remembers what is posted to it."""

    def __init__(self):
        self.posts, outer = [], self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                outer.posts.append((self.path, dict(self.headers.items()), body))
                self.answer(b'thank you')

            def do_GET(self):
                self.answer(b'the page')

            def answer(self, text):
                self.send_response(200)
                self.send_header('Content-Length', str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope='module')
def app():
    app = App()
    yield app
    app.close()


@pytest.fixture(scope='module')
def site(request, database, post, app):
    code = nested('selfservice.methods.code', {'enabled': True, 'mfa_enabled': True})
    settings = merge(merge(account(uri=post.uri, code={'identifier': True, 'via': 'email'}), code),
                     nested('session.whoami.required_aal', 'aal1'))
    server = start_gate(request, database, PLACES.format(backend=app.port), settings, clock=True, before=modules('http2'))
    server.expect_log('AH0163[01]')
    yield server
    end(server)


@pytest.fixture(autouse=True)
def fresh(site, app):
    """Nobody's posts count for the next test, and none waits."""
    site.sql('DELETE FROM kept_posts')
    site.sql('DELETE FROM code_budgets')
    app.posts.clear()


def fetched(site, where='same-origin', **headers):
    """What a browser says of a form on a page."""
    origin = {'same-origin': site.gate}.get(where, 'http://evil.example.org')
    return {'Sec-Fetch-Site': where, 'Sec-Fetch-Mode': 'navigate', 'Origin': origin, 'Referer': site.gate + '/form?draft=1'} | headers


def send(site, person, path, body=BODY, kind=URLENCODED, headers=None):
    return person.post(site.gate + path, raw=body, content_type=kind, headers=fetched(site) | (headers or {}))


def waits(site):
    return [row[0] for row in site.sql('SELECT COUNT(DISTINCT id) FROM kept_posts')] in ([1], ['1'])


def kept(answer):
    """The form was kept: where its person comes back to."""
    assert answer.status == 303, answer.body
    url = parse_qs(urlsplit(answer.location).query)['return_to'][0]
    assert re.search(r'[?&]kratos-kept=[0-9a-f-]{36}$', url), url
    return url


def not_kept(site, answer, status=401):
    assert answer.status == status and not answer.location and site.sql('SELECT COUNT(*) FROM kept_posts')[0][0] in (0, '0')
    assert not [name for name, value in answer.headers if name.lower() == 'set-cookie' and 'kratos_kept' in value]
    return answer.json['error'].get('details', {}).get('not_kept')


def sign_in(person, away, email):
    """At the login that a redirect leads to; where that leads."""
    begun = person.get(away.location).must(303)
    flow = person.fetch('login', begun.flow_id).must(200)
    return person.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD}).must(303).location


def page_of(person, url):
    page = person.get(url).must(200)
    text = page.body.decode()
    return re.search(r'<form method="post" action="([^"]+)"', text)[1].replace('&amp;', '&'), re.search(r'name="kratos_kept_token" value="([^"]+)"', text)[1]


def press(site, person, action, token, **headers):
    return person.post(action, form={'kratos_kept_token': token}, headers=fetched(site, Referer=action) | headers)


def kept_by(site, person, path='/write?to=ana', **options):
    """Somebody without a session sends a form and signs in: the URL that leads to it."""
    email = new_email()
    site.native().register(email).must(200)
    away = send(site, person, path, **options)
    url = kept(away)
    assert sign_in(person, away, email) == url
    return url


# -- as it should go ---------------------------------------------------------------------------

@pytest.mark.parametrize('path', ['/write', '/write?to=ana&x=%2F&&y', '/a%20b/c', '/all/write'])
def test_a_form_survives_the_sign_in(site, app, path):
    person = site.browser()
    url = kept_by(site, person, path)
    action, token = page_of(person, url)
    assert action == url and app.posts == []
    done = press(site, person, action, token)
    assert (done.status, done.body) == (200, b'thank you')
    (where, headers, body), = app.posts
    assert where == path and body == BODY.encode() and headers['Content-Type'] == URLENCODED
    assert int(headers['Content-Length']) == len(BODY) and headers['Origin'] == site.gate
    assert headers['Referer'] == site.gate + '/form?draft=1'                # where applications lead back to
    assert 'kratos-kept' not in str(headers) and 'ory_kratos_session' not in str(headers)
    assert headers['X-Kratos-Identity-Id'] == person.session()['identity']['id']
    assert not waits(site)


def test_what_was_typed_is_nowhere_but_in_the_form(site):
    """Sealed in its row, unseen on the page and in the log; the page is strict, and in the reader's language."""
    person = site.browser()
    url = kept_by(site, person, '/write', body=BODY + '&a%3Cb%3E=1&' + '&'.join(f'f{n}=secretvalue' for n in range(30)))
    for language, words in (('en', 'Send it now'), ('de', 'Jetzt absenden'), ('es', 'Enviarlo ahora'), ('fr', 'maintenant')):
        page = person.get(url, headers={'Accept-Language': language}).must(200)
        text = page.body.decode()
        assert words in text and page.header('Content-Language') == language
        assert '<code>csrf_token</code>' in text and 'a&lt;b&gt;' in text and '<code>f10</code>' in text and '<code>f29</code>' not in text
        assert 'secretvalue' not in text and 'letter' not in text and 'of the application' not in text and '<script' not in text
    assert person.session()['identity']['traits']['email'] in text          # in whose name it would be sent
    policy = page.header('Content-Security-Policy')
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and 'unsafe' not in policy and 'script' not in policy
    assert page.header('Cache-Control') == 'no-store' and page.header('X-Frame-Options') == 'DENY'
    assert 'secretvalue' not in str(site.sql('SELECT * FROM kept_posts')) and 'letter' not in str(site.sql('SELECT * FROM kept_posts'))
    assert 'secretvalue' not in site.log()
    assert site.gate + '/write"' in text                                    # the way on without it


def test_a_form_survives_a_refresh(site, app):
    person = member(site, 'browser')
    send(site, person, '/fresh').must(200)
    site.clock.forward(15 * 60)
    away = send(site, person, '/fresh')
    url = kept(away)
    assert 'refresh=true' in away.location and sign_in(person, away, person.email) == url
    press(site, person, *page_of(person, url)).must(200)
    assert [(path, body) for path, _, body in app.posts] == [('/fresh', BODY.encode())] * 2


def test_a_form_survives_both_factors(site, app, post):
    email = new_email()
    site.native().register(email).must(200)
    person = site.browser()
    away = send(site, person, '/strong/x')
    url = kept(away)
    assert sign_in(person, away, email) == url
    away = person.get(url).must(303)                                        # one factor is not enough there
    assert 'aal=aal2' in away.location and parse_qs(urlsplit(away.location).query)['return_to'] == [url]
    flow = person.fetch('login', person.get(away.location).must(303).flow_id).must(200)
    code = post.wait(email, 'Your code to sign in').code
    assert person.submit('login', flow, {'method': 'code', 'identifier': email, 'code': code}).must(303).location == url
    press(site, person, *page_of(person, url)).must(200)
    assert [(path, body) for path, _, body in app.posts] == [('/strong/x', BODY.encode())]


def test_a_sign_in_that_grows_old_over_the_question_leads_back_to_it(site, app):
    person = member(site, 'browser')
    site.clock.forward(15 * 60)
    away = send(site, person, '/fresh')
    url = kept(away)
    sign_in(person, away, person.email)
    action, token = page_of(person, url)
    site.sql('UPDATE kept_posts SET expires_at = expires_at + 3600000000')
    site.clock.forward(15 * 60)
    away = press(site, person, action, token)
    assert kept(away) == url and waits(site) and app.posts == []            # ours is not kept in its place
    assert sign_in(person, away, person.email) == url
    press(site, person, *page_of(person, url)).must(200)
    assert app.posts[0][2] == BODY.encode()


def test_an_internal_redirect_takes_the_form_along(site, app):
    person = site.browser()
    press(site, person, *page_of(person, kept_by(site, person, '/moved/x'))).must(200)
    assert [(path, body) for path, _, body in app.posts] == [('/inner/x', BODY.encode())]


MULTIPART = '--xyz\r\nContent-Disposition: form-data; name="text"\r\n\r\nhello\r\n--xyz--\r\n'


def test_multipart_without_files_is_a_form_like_others(site, app):
    person = site.browser()
    url = kept_by(site, person, '/write', body=MULTIPART, kind='multipart/form-data; boundary=xyz')
    assert '<code>text</code>' in person.get(url).body.decode()
    press(site, person, *page_of(person, url)).must(200)
    assert app.posts[0][2] == MULTIPART.encode() and app.posts[0][1]['Content-Type'] == 'multipart/form-data; boundary=xyz'


@pytest.mark.parametrize('size', [4096, 200 * 1024, 256 * 1024])
def test_up_to_its_size_a_form_is_kept(site, app, size):
    person, body = site.browser(), 'x=' + 'y' * (size - 2)
    path = '/write' if size == 4096 else '/large'
    press(site, person, *page_of(person, kept_by(site, person, path, body=body))).must(200)
    assert app.posts[0][2] == body.encode()


def in_chunks(site, path, body):
    """Sent without a length: the status, and what was said of the way."""
    conn = http.client.HTTPConnection(*urlsplit(site.gate).netloc.split(':'))
    headers = fetched(site) | {'Content-Type': URLENCODED, 'Accept': 'text/html'}
    conn.request('POST', path, body=iter([body[:3], body[3:]]), headers=headers, encode_chunked=True)
    answer = conn.getresponse()
    text = answer.read().decode()
    conn.close()
    return answer.status, answer.getheader('Location') or text


def test_a_form_in_chunks_is_one_as_well(site):
    status, location = in_chunks(site, '/write', BODY.encode())
    assert status == 303 and 'kratos-kept' in location
    status, said = in_chunks(site, '/write', b'x=' + b'y' * 5000)
    assert status == 401 and 'larger than' in said


def test_over_http_2(site, app):
    person, email = site.browser(), new_email()
    site.native().register(email).must(200)

    def curl(url, body):
        given = {**fetched(site), 'Cookie': '; '.join(f'{name}={value}' for name, value in person.cookies.items())}
        headers = [word for name, value in given.items() for word in ('-H', f'{name}: {value}')]
        said = subprocess.run(['curl', '-s', '-i', '--http2-prior-knowledge', *headers, '--data-binary', body, url], capture_output=True, text=True,
                              check=True).stdout.replace('\r', '')
        assert said.startswith('HTTP/2 ')
        return said

    away = curl(site.gate + '/write', BODY)
    name, value = re.search('^set-cookie: ([^=]+)=([^;]+)', away, re.M).groups()
    person.cookies[name] = value
    begun = person.get(re.search('^location: (.*)$', away, re.M)[1]).must(303)
    flow = person.fetch('login', begun.flow_id).must(200)
    url = person.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD}).must(303).location
    action, token = page_of(person, url)
    assert curl(action, urlencode({'kratos_kept_token': token})).endswith('thank you')
    assert [body for _, _, body in app.posts] == [BODY.encode()]


def test_two_tabs_have_a_form_each(site, app):
    person, email = site.browser(), new_email()
    site.native().register(email).must(200)
    first, second = send(site, person, '/write', 'n=1'), send(site, person, '/write', 'n=2')
    sign_in(person, first, email)
    for away, body in ((second, b'n=2'), (first, b'n=1')):
        press(site, person, *page_of(person, kept(away))).must(200)
        assert app.posts.pop()[2] == body


def test_a_form_that_came_from_nowhere_has_no_page_of_ours_behind_it(site, app):
    person = site.browser()
    press(site, person, *page_of(person, kept_by(site, person, headers={'Referer': None}))).must(200)
    assert 'Referer' not in app.posts[0][1]


# -- what is not kept ----------------------------------------------------------------------------

@pytest.mark.parametrize('headers', [
    {'Sec-Fetch-Site': 'cross-site', 'Origin': 'http://evil.example.org'},
    {'Sec-Fetch-Site': 'same-site', 'Origin': 'http://sister.example.org'},
    {'Sec-Fetch-Site': 'none', 'Origin': None},
    {'Sec-Fetch-Site': 'same-origin', 'Origin': 'http://evil.example.org'},
    {'Sec-Fetch-Site': None, 'Origin': 'http://evil.example.org'},
    {'Sec-Fetch-Site': None, 'Origin': 'null'},
    {'Sec-Fetch-Site': None, 'Origin': None},
    {'Sec-Fetch-Site': 'cross-site', 'Origin': None},
])
def test_a_form_of_another_site_is_not_kept(site, headers):
    """A click on "send it now" would carry out what that site wanted."""
    assert 'this very site' in not_kept(site, send(site, site.browser(), '/write', headers=headers))


def test_a_browser_that_says_less_is_believed_what_it_says(site):
    person = site.browser()
    kept(send(site, person, '/write', headers={'Sec-Fetch-Site': None, 'Sec-Fetch-Mode': None}))
    kept(send(site, person, '/write', headers={'Origin': None}))


@pytest.mark.parametrize('body, kind', [
    ('{"a": 1}', 'application/json'), ('a=b', 'text/plain'), ('a=b', 'application/x-www-form-urlencodedx'), ('a=%', URLENCODED), ('a=%00', URLENCODED),
    ('a=%ff', URLENCODED), (b'a=\x00', URLENCODED), ('no parts', 'multipart/form-data; boundary=xyz'), (MULTIPART, 'multipart/form-data'),
    (MULTIPART.replace('name="text"', 'name="f"; filename="x.txt"'), 'multipart/form-data; boundary=xyz'),
    (MULTIPART.replace('Content-Disposition: form-data; name="text"', 'content-disposition:form-data; name=f; filename*=UTF-8\'\'x'),
     'multipart/form-data; boundary=xyz'),
])
def test_what_is_no_plain_form_is_not_kept(site, body, kind):
    assert 'forms without files' in not_kept(site, send(site, site.browser(), '/write', body, kind))


def test_what_is_compressed_is_not_kept(site):
    assert not_kept(site, send(site, site.browser(), '/write', headers={'Content-Encoding': 'gzip'}))


@pytest.mark.parametrize('path, size', [('/write', 4097), ('/write', 500000), ('/large', 256 * 1024 + 1)])
def test_what_is_too_large_is_not_kept(site, path, size):
    assert 'larger than' in not_kept(site, send(site, site.browser(), path, 'x=' + 'y' * (size - 2)))


@pytest.mark.parametrize('method', ['PUT', 'PATCH', 'DELETE'])
def test_other_methods_are_not_kept(site, method):
    answer = site.browser().request(method, site.gate + '/write', raw=BODY, content_type=URLENCODED, headers=fetched(site))
    assert not_kept(site, answer) is None


def test_scripts_and_programs_are_told_as_ever(site):
    script = fetched(site, **{'Sec-Fetch-Mode': 'cors'})
    assert not_kept(site, site.browser().post(site.gate + '/write', raw=BODY, content_type=URLENCODED, headers=script)) is None
    assert not_kept(site, site.native().post(site.gate + '/write', raw=BODY, content_type=URLENCODED)) is None
    assert not_kept(site, send(site, site.browser(), '/programs')) is None
    assert not_kept(site, send(site, site.browser(), '/off/x')) is None
    assert site.browser().get(site.gate + '/write').must(303).location.count('kratos-kept') == 0


def test_a_guarded_part_of_an_open_page_keeps_nothing(site):
    (site.dir / 'gate' / 'parts').mkdir(mode=0o755)
    (site.dir / 'gate' / 'parts' / 'page.html').write_text('open <!--#include virtual="/write" --> end')
    site.expect_log('unable to include')
    answer = send(site, site.browser(), '/parts/page.html')
    assert not answer.location and int(site.sql('SELECT COUNT(*) FROM kept_posts')[0][0]) == 0


def test_nor_does_a_guarded_place_behind_an_open_one(site):
    """Its person would come back to the open one, which asks nothing."""
    assert not_kept(site, send(site, site.browser(), '/open')) is None


def test_a_form_that_no_sign_in_helps_is_not_kept(site):
    person = member(site, 'browser')
    assert not_kept(site, send(site, person, '/admins'), 403) is None


def test_an_app_with_a_session_of_its_own_is_told_as_ever(site):
    app = member(site, 'native')
    site.clock.forward(15 * 60)
    assert not_kept(site, send(site, app, '/fresh'), 403) is None


def test_nobody_fills_the_table(site):
    person = site.browser()
    for _ in range(20):
        kept(send(site, person, '/write', 'a=b'))
    assert send(site, person, '/write', 'a=b').json['error']['details']['not_kept'] == 'too many wait already'
    assert send(site, site.browser(), '/write', 'a=b').status == 401        # another browser of the same address
    known = member(site, 'browser')                                         # who is known has a count of their own
    site.clock.forward(15 * 60)
    kept(send(site, known, '/fresh', 'a=b'))


# -- whose it is -----------------------------------------------------------------------------------

def gone(site, person, url):
    answer = person.get(url)
    assert answer.status == 410 and b'kratos_kept_token' not in answer.body, answer.body
    assert answer.header('Cache-Control') == 'no-store'


def test_another_browser_gets_nothing(site, app):
    person = site.browser()
    url = kept_by(site, person)
    action, token = page_of(person, url)
    thief = member(site, 'browser')
    gone(site, thief, url)
    assert press(site, thief, action, token).status == 403
    thief.cookies['kratos_kept'] = 'A' * 32
    gone(site, thief, url)
    assert press(site, thief, action, token).status == 403 and app.posts == []
    press(site, person, action, token).must(200)


def test_another_account_in_the_same_browser_gets_nothing(site, app):
    person = member(site, 'browser')
    site.clock.forward(15 * 60)
    url = kept(send(site, person, '/fresh'))
    other = member(site, 'browser')
    other.cookies['kratos_kept'] = person.cookies['kratos_kept']
    gone(site, other, url)
    assert press(site, other, url, 'x' * 43).status == 403 and app.posts == [] and waits(site)


def test_a_session_that_ended_still_tells_whose_form_it_is(site):
    """Somebody signs out elsewhere, sends a form, and another person signs in with that browser."""
    person = member(site, 'browser')
    cookies = dict(person.cookies)
    person.logout().must(303)
    person.cookies = dict(cookies)
    away = send(site, person, '/write')
    url, email = kept(away), new_email()
    site.native().register(email).must(200)
    sign_in(person, away, email)
    gone(site, person, url)


def test_a_form_is_sent_once(site, app):
    person = site.browser()
    url = kept_by(site, person)
    action, token = page_of(person, url)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: press(site, person, action, token).status, range(8)))
    assert sorted(answers) == [200] + [410] * 7 and len(app.posts) == 1
    gone(site, person, url)


def test_a_form_waits_for_a_quarter_of_an_hour(site, app):
    person = site.browser()
    url = kept_by(site, person)
    action, token = page_of(person, url)
    site.clock.forward(15 * 60)
    gone(site, person, url)
    assert press(site, person, action, token).status == 410 and app.posts == []


@pytest.mark.parametrize('cookie', ['', 'x', 'A' * 31, 'A' * 33, 'A' * 31 + '.', 'A' * 4000])
def test_a_cookie_that_somebody_made_up_finds_nothing(site, cookie):
    person = site.browser()
    url = kept_by(site, person)
    person.cookies['kratos_kept'] = cookie
    gone(site, person, url)
    url = kept(send(site, site.browser(), '/write', headers={'Cookie': f'kratos_kept={cookie}'}))    # and is not taken for a secret
    assert url


def test_rows_that_were_exchanged_open_for_nobody(site):
    """What is sealed is bound to its row."""
    person, thief = site.browser(), site.browser()
    url, theirs = kept_by(site, person), kept_by(site, thief)
    mine, id = theirs[-36:], url[-36:]
    sealed = site.sql(f"SELECT sealed FROM kept_posts WHERE id = '{id}'")[0][0]
    site.sql(f"UPDATE kept_posts SET sealed = '{sealed}' WHERE id = '{mine}'")
    gone(site, thief, theirs)


@pytest.mark.parametrize('path', ['/other', '/write?to=ana2', '/write', '/WRITE?to=ana'])
def test_a_form_is_for_its_place(site, path):
    person = site.browser()
    url = kept_by(site, person, '/write?to=ana')
    gone(site, person, f'{site.gate}{path}{"&" if "?" in path else "?"}kratos-kept={url[-36:]}')


@pytest.mark.parametrize('mark', ['', 'x', '0' * 36, "' OR 1=1 --", '..' * 20])
def test_a_mark_that_says_nothing_leads_nowhere(site, mark):
    person = member(site, 'browser')
    answer = person.get(f'{site.gate}/write?kratos-kept={quote(mark)}')
    assert (answer.status, answer.body) == (200, b'the page')
    gone(site, person, f'{site.gate}/write?kratos-kept=01890a5d-ac96-474b-bcce-b302099a8057')


# -- who sends it --------------------------------------------------------------------------------------

@pytest.mark.parametrize('headers', [
    {'Sec-Fetch-Site': 'cross-site', 'Origin': 'http://evil.example.org'}, {'Sec-Fetch-Site': 'same-site'},
    {'Sec-Fetch-Site': None, 'Origin': None}, {'Sec-Fetch-Site': None, 'Origin': 'http://evil.example.org'},
])
def test_another_site_cannot_press_the_button(site, app, headers):
    person = site.browser()
    action, token = page_of(person, kept_by(site, person))
    assert press(site, person, action, token, **headers).status == 403
    assert app.posts == [] and waits(site)


@pytest.mark.parametrize('body', ['', 'kratos_kept_token=', 'kratos_kept_token=' + 'x' * 43, 'kratos_kept_token=%00', 'x' * 5000])
def test_without_the_token_nothing_is_sent(site, app, body):
    person = site.browser()
    url = kept_by(site, person)
    assert send(site, person, url[len(site.gate):], body).status == 403
    assert app.posts == [] and waits(site)


def test_the_token_is_for_one_form_and_one_session(site, app):
    person, email = site.browser(), new_email()
    site.native().register(email).must(200)
    first, second = kept(send(site, person, '/write', 'n=1')), kept(send(site, person, '/write', 'n=2'))
    away = person.get(site.gate + '/write').must(303)
    sign_in(person, away, email)
    _, token = page_of(person, first)
    assert press(site, person, second, token).status == 403
    person.logout().must(303)
    kept_cookie = person.cookies['kratos_kept']
    sign_in(person, person.get(site.gate + '/write').must(303), email)
    assert person.cookies['kratos_kept'] == kept_cookie
    assert press(site, person, first, token).status == 403 and app.posts == []


@pytest.mark.parametrize('method', ['PUT', 'DELETE', 'HEAD', 'OPTIONS'])
def test_other_methods_send_nothing(site, app, method):
    person = site.browser()
    url = kept_by(site, person)
    _, token = page_of(person, url)
    person.request(method, url, form={'kratos_kept_token': token} if method == 'PUT' else None, headers=fetched(site))
    assert app.posts == [] and waits(site)


def test_the_cookie_is_for_this_host_and_unseen_by_scripts(site):
    answer = send(site, site.browser(), '/write')
    cookie = next(value for name, value in answer.headers if name == 'Set-Cookie' and value.startswith('kratos_kept='))
    assert 'HttpOnly' in cookie and 'SameSite=Lax' in cookie and 'Path=/' in cookie and 'Max-Age=900' in cookie and 'Domain' not in cookie


@pytest.mark.parametrize('line, words', [('KratosKeepPost', 'one argument'), ('KratosKeepPost 0', 'such as 64k'), ('KratosKeepPost 100', 'from 1k to 256k'),
                                         ('KratosKeepPost 1m', 'from 1k to 256k'), ('KratosKeepPost 257k', 'from 1k to 256k'), ('KratosKeepPost on', '64k')])
def test_a_wrong_size_stops_httpd_with_what_to_write(request, line, words):
    flags = ['check'] + (['san'] if request.config.getoption('--san') else [])
    server = Server(base(1), gate=True, flags=flags, lines={'gate_extra': f'<Location "/x">\n{line}\n</Location>\n'}, wait=False)
    try:
        assert server.proc.wait(20) != 0 and words in server.log()
    finally:
        server.announced.append(re.compile('.'))
        server.stop()
