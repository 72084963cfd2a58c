# SPDX-License-Identifier: Apache-2.0
"""The built-in pages, as a browser without JavaScript uses them."""
import re
import shutil
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from lib.clients import PASSWORD, WRONG, new_email
from lib.reader import Page, Reader
from lib.serving import Server, free_port, scratch

pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    own, port = {'ui_url': None}, free_port()
    pages = {'selfservice': {'default_browser_return_url': '/ui/welcome', 'allowed_return_urls': [f'http://127.0.0.1:{port}'],
                             'flows': {'login': own, 'registration': own, 'error': own, 'logout': None}}}
    server = start(request, database, pages, port=port, flags=['ui'])
    yield server
    end(server)


@pytest.fixture
def reader(server):
    return Reader(server)


def test_one_registers_signs_out_and_signs_in_by_pages_alone(server, reader):
    email = new_email()
    page = reader.send(reader.open('/self-service/registration/browser'), traits__email=email, password=PASSWORD)
    assert email in page.text, page.answer.body
    away = next(link for link in page.links if link and '/self-service/logout' in link)
    assert email not in reader.open(away).text
    assert reader.client.whoami().status == 401
    page = reader.send(reader.open('/self-service/login/browser'), identifier=email, password=PASSWORD)
    assert email in page.text and reader.client.whoami().status == 200


def test_what_was_wrong_stands_on_the_page_and_what_was_right_is_kept(reader):
    page = reader.send(reader.open('/self-service/registration/browser'), traits__email='ana@example.org', traits__name='Ana',
                       password='short')
    assert page.fields['traits.email'] == 'ana@example.org' and page.fields['traits.name'] == 'Ana'
    assert page.fields['password'] == ''
    assert '8' in page.text
    page = reader.send(reader.open('/self-service/login/browser'), identifier=new_email('nobody'), password=WRONG)
    assert WRONG not in page.answer.body.decode()


@pytest.mark.parametrize('evil', ['"><script>alert(1)</script>', "' onfocus=alert(1) autofocus x='", '<img src=x onerror=alert(1)>',
                                  '&lt;b&gt;', '{{7*7}}', '\u202egnp.exe'])
def test_nothing_that_somebody_typed_becomes_markup(reader, evil):
    page = reader.send(reader.open('/self-service/registration/browser'), traits__email=evil, traits__name=evil, password='short')
    assert page.fields['traits.name'] == evil
    assert 'script' not in page.tags and 'img' not in page.tags and not page.handlers
    page = reader.send(reader.open('/self-service/login/browser'), identifier=evil, password=WRONG)
    assert page.fields['identifier'] == evil and 'script' not in page.tags and not page.handlers


@pytest.mark.parametrize('path', ['/self-service/login/browser', '/self-service/registration/browser', '/ui/welcome', '/ui/error?id=x',
                                  '/ui/login', '/ui/login?flow=x', '/ui/settings', '/ui/recovery', '/ui/verification?flow=x',
                                  '/self-service/login/browser?return_to=https://evil.example/'])
def test_every_page_forbids_scripts_frames_and_strangers(reader, path):
    page = reader.open(path)
    header = page.answer.header
    policy = {part.split()[0]: part.split()[1:] for part in header('Content-Security-Policy').split(';') if part.strip()}
    assert policy['default-src'] == ["'none'"] and policy['frame-ancestors'] == ["'none'"]
    assert policy['base-uri'] == ["'none'"]
    assert "'unsafe-inline'" not in header('Content-Security-Policy')
    assert 'script' not in page.tags and not page.handlers
    assert header('X-Content-Type-Options') == 'nosniff' and header('Referrer-Policy')
    assert 'no-store' in header('Cache-Control')
    assert header('Content-Type').lower() == 'text/html; charset=utf-8'


def test_a_page_without_a_flow_starts_one(reader):
    assert 'password' in reader.open('/ui/login').fields
    assert 'traits.email' in reader.open('/ui/registration').fields


def test_a_page_of_a_form_that_is_gone_begins_a_new_one_that_leads_to_the_same_place(server, reader):
    there = f'{server.url}/ui/sessions'
    page = reader.open(f'/self-service/login/browser?return_to={there}')
    other = Reader(server)
    again = other.open(page.url)
    assert again.answer.status == 200 and 'password' in again.fields and again.action != page.action
    assert 'password' in other.open('/ui/login?flow=00000000-0000-4000-8000-000000000000').fields
    email = new_email()
    reader.send(reader.open('/self-service/registration/browser'), traits__email=email, password=PASSWORD)
    other.send(again, identifier=email, password=PASSWORD)
    assert other.client.whoami().status == 200
    for path in (page.url, page.url.replace('/login?', '/registration?')):
        assert other.open(path).answer.status == 200


@pytest.mark.parametrize('kind', ['login', 'registration'])
def test_a_browser_that_keeps_no_cookies_is_told_so_and_goes_in_no_circle(reader, kind):
    reader.client._store = lambda headers: None
    page = reader.open(f'/ui/{kind}')
    assert page.answer.status == 400 and 'allow cookies' in page.text and 'form' not in page.tags
    assert any(f'/self-service/{kind}/browser' in link for link in page.links if link)


def test_an_error_is_shown_in_words(reader):
    page = reader.open('/self-service/login/browser?return_to=https://evil.example/')
    assert 'return_to' in page.text or 'not allowed' in page.text
    assert 'form' not in page.tags


@pytest.mark.parametrize('path', ['/ui/', '/ui/nope', '/ui/login/x', '/ui/../etc/passwd', '/ui/%00', '/ui/style.css/x', '/ui/error',
                                  '/ui/login?flow=' + 'a' * 3000, '/ui/login?flow=%00', '/ui/error?id=%ff'])
def test_odd_addresses_are_never_a_5xx(server, path):
    answer = server.browser().get(path)
    assert answer.status < 500


def test_the_style_sheet_is_one_small_file_of_ours(server, reader):
    page = reader.open('/ui/login')
    assert 'style' not in page.tags
    answer = server.browser().get('/ui/style.css').must(200)
    assert answer.header('Content-Type').startswith('text/css') and len(answer.body) < 32768
    assert b'@import' not in answer.body and b'url(http' not in answer.body and b'url(//' not in answer.body


def test_pages_take_no_other_method(server):
    for method in ('POST', 'PUT', 'DELETE'):
        assert 400 <= server.browser().request(method, '/ui/login').status < 500


def test_the_welcome_page_sends_strangers_to_the_login(server):
    answer = server.browser().get('/ui/welcome')
    assert answer.status == 303 or 'login' in ' '.join(Page(answer).links)


# -- languages, sessions, an owner's own files ----------------------------------------


def test_pages_speak_the_readers_language_and_the_api_stays_english(server, reader):
    reader.client.headers['Accept-Language'] = 'de-AT, en;q=0.3'
    page = reader.send(reader.open('/self-service/registration/browser'), traits__email='ana', traits__name='Ana', password='short')
    assert page.answer.header('Content-Language') == 'de' and 'Accept-Language' in page.answer.header('Vary')
    assert '„ana“ ist keine E-Mail-Adresse.' in page.text and 'Konto anlegen' in page.text
    flow = parse_qs(urlsplit(page.url).query)['flow'][0]
    api = reader.client.request('GET', f'/self-service/registration/flows?id={flow}', headers={'Accept': 'application/json'})
    assert 'is no email address' in api.body.decode()


def test_one_ends_the_session_on_another_device(server, reader):
    email = new_email()
    reader.send(reader.open('/self-service/registration/browser'), traits__email=email, password=PASSWORD)
    other = Reader(server)
    other.client.headers['User-Agent'] = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1'
    other.send(other.open('/self-service/login/browser'), identifier=email, password=PASSWORD)
    page = reader.open('/ui/sessions')
    assert 'Safari on iPhone' in page.text
    data = {'csrf_token': page.fields['csrf_token'], 'end': next(v for k, v in page.buttons if k == 'end')}
    assert other.client.request('POST', '/ui/sessions', form=data).status == 403
    assert reader.client.request('POST', '/ui/sessions', form=data, headers={'Sec-Fetch-Site': 'cross-site'}).status == 403
    assert other.client.whoami().status == 200
    page = reader.follow(reader.client.request('POST', '/ui/sessions', form=data))
    assert 'signed out' in page.text and 'iPhone' not in page.text
    assert other.client.whoami().status == 401 and reader.client.whoami().status == 200


@pytest.mark.parametrize('ticked', [True, False])
def test_who_changes_the_password_may_sign_out_everywhere_else(server, reader, ticked):
    email = new_email()
    reader.send(reader.open('/self-service/registration/browser'), traits__email=email, password=PASSWORD)
    other = Reader(server)
    other.send(other.open('/self-service/login/browser'), identifier=email, password=PASSWORD)
    page = reader.open('/self-service/settings/browser')
    assert page.fields['revoke_other_sessions'] == 'true'
    form = {'csrf_token': page.fields['csrf_token'], 'method': 'password', 'password': PASSWORD + '-2'}
    reader.follow(reader.client.request('POST', page.action, form=form | ({'revoke_other_sessions': 'true'} if ticked else {})))
    assert reader.client.whoami().status == 200 and other.client.whoami().status == (401 if ticked else 200)


def test_the_fullest_page_of_sessions_is_light(server, reader):
    email = new_email()
    reader.send(reader.open('/self-service/registration/browser'), traits__email=email, password=PASSWORD)
    for _ in range(16):
        other = Reader(server)
        other.client.headers['User-Agent'] = 'Something nobody knows ' + 'x' * 400
        other.send(other.open('/self-service/login/browser'), identifier=email, password=PASSWORD)
    page = reader.open('/ui/sessions')
    css = server.browser().get('/ui/style.css').must(200)
    assert len(page.answer.body) + len(css.body) < 30_000


PIXEL = b'\x89PNG\r\n\x1a\n' + bytes(20)


@pytest.fixture
def folder():
    path = scratch('pages')
    yield path
    shutil.rmtree(path)


def put(folder, files):
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())


def with_pages(serve, folder, **kw):
    own = {'ui_url': None}
    flows = {'login': own, 'registration': own, 'error': own, 'logout': None}
    return serve({'selfservice': {'flows': flows}}, flags=['ui'], lines={'extra': f'KratosPages "{folder}"\n'}, **kw)


def test_an_owner_changes_layout_style_words_and_adds_a_logo(serve_sqlite, folder):
    put(folder, {'layout.html': '<!DOCTYPE html><html lang="{{lang}}"><title>{{title}}</title><link rel="stylesheet" href="{{style}}">'
                                '<body><img src="static/logo.png" alt="{{site}}"><main>{{content}}</main></body></html>',
                 'style.css': 'h1 { color: green }',
                 'words/en.json': '{"site": "Ana & Co", "title.login": "Come in"}',
                 'words/pt.json': '{"title.login": "Entre"}',
                 'static/logo.png': PIXEL, 'static/font.woff2': b'wOF2'})
    server = with_pages(serve_sqlite, folder)
    reader = Reader(server)
    page = reader.open('/ui/login')
    body = page.answer.body.decode()
    assert 'alt="Ana &amp; Co"' in body and '<h1>Come in</h1>' in body and 'password' in page.fields
    style = server.browser().get(urljoin('/ui/', re.search(r'href="([^"]*style\.css[^"]*)"', body)[1])).must(200)
    assert style.body == b'h1 { color: green }' and 'immutable' in style.header('Cache-Control')
    logo = server.browser().get('/ui/static/logo.png').must(200)
    assert logo.body == PIXEL and logo.header('Content-Type') == 'image/png' and logo.header('X-Content-Type-Options') == 'nosniff'
    assert server.browser().request('GET', '/ui/static/logo.png', headers={'If-None-Match': logo.header('ETag')}).status == 304
    assert server.browser().get('/ui/static/font.woff2').must(200).header('Content-Type') == 'font/woff2'
    for path in ('/ui/static/', '/ui/static/nope.png', '/ui/static/../words/en.json', '/ui/static/%2e%2e/layout.html', '/ui/layout.html'):
        assert server.browser().get(path).status in (400, 404)
    reader.client.headers['Accept-Language'] = 'pt'
    body = reader.open('/ui/login').answer.body.decode()
    assert '<h1>Entre</h1>' in body and '<html lang="pt">' in body and 'Sign in with' not in body.split('<h1>')[0]


@pytest.mark.parametrize('name, content, reason', [
    ('layout.html', '<main>{{contents}}</main>', 'unknown placeholder'),
    ('layout.html', '<main></main>', '{{content}} must stand in it once'),
    ('words/de.json', '{"title.login": ', 'words/de.json'),
    ('words/de.json', '{"titel.login": "x"}', 'there is no such key'),
    ('style.css', ' ' * (256 * 1024 + 1), 'larger than 262144 bytes'),
    ('static/evil.html', '<script>', 'not served'),
])
def test_httpd_does_not_start_with_a_broken_file(folder, name, content, reason):
    put(folder, {name: content})
    server = Server(lines={'extra': f'KratosPages "{folder}"\n'}, flags=['ui', 'check'], wait=False)
    assert server.proc.wait(30) != 0
    said = server.log()
    server.stop()
    assert 'KratosPages' in said and str(folder / name) in said and reason in said, said
