# SPDX-License-Identifier: Apache-2.0
"""The gate where httpd has more to do than send a file: .htaccess, redirects inside, parts of pages, listings, ranges, HTTP/2, other
modules' rules. Nobody without a session sees a guarded word, whichever way leads there."""
import json
import re
import socket
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import end, start_gate
from lib.backends import Http, modules, raw, told
from lib.clients import new_email
from lib.gate import OPERATOR, add_operator, basic
from lib.serving import free_port, scratch, wait_for

pytestmark = pytest.mark.san

SECRET = 'for members only: abcdefghijklmnopqrstuvwxyz'

FILES = {       # name: content; what contains SECRET is guarded
    'index.html': SECRET, 'secret.txt': SECRET,
    'open/index.html': 'this is open', 'open/denied.html': 'not for you', 'open/page.txt': 'open text',
    'open/parts.shtml': '<p>page</p>' + '<!--#include virtual="/secret.txt" -->' * 3 + '<p>end</p>',
    'parts.shtml': SECRET + '<!--#include virtual="/secret.txt" -->' * 3 + '<!--#echo var="KRATOS_IDENTITY_ID" -->',
    'open/list/public.txt': 'public', 'open/list/hidden.txt': SECRET,
    'open/neg/doc.html.en': SECRET, 'open/neg/doc.html.de': SECRET, 'open/neg/free.html.en': 'free',
    'ht/index.html': SECRET, 'ht/.htaccess': 'Require kratos-session\nKratosUnauthenticated 401\nKratosExport none\n',
    'ht/sub/index.html': SECRET, 'ht/sub/.htaccess': 'KratosUnauthenticated redirect\n',
    'ht-wrong/index.html': SECRET, 'ht-wrong/.htaccess': 'Require kratos-aal aal9\n',
    'ht-regex/index.html': SECRET, 'ht-regex/.htaccess': 'Require kratos-trait email /(/\n',
    'ht-export/index.html': SECRET, 'ht-export/.htaccess': 'KratosExport passwords\nRequire kratos-session\n',
    'ht-realm/index.html': SECRET, 'ht-realm/.htaccess': 'KratosRealm main\nRequire kratos-session\n',
    'satisfy/index.html': SECRET, 'moved/x': '', 'open/inside/x': '', 'if/index.html': SECRET, 'if/free.html': 'free',
    'address/index.html': SECRET, 'nearby/index.html': SECRET, 'basic/index.html': SECRET, 'both/index.html': SECRET,
    'errors/index.html': SECRET, 'admins/index.html': SECRET,
}

LINES = '''
TraceEnable On
Protocols h2c http/1.1
ErrorDocument 403 /open/denied.html
ErrorDocument 404 /errors/index.html
RewriteEngine On
RewriteRule ^/alias$ /secret.txt
RewriteRule ^/open/alias$ /secret.txt
RewriteRule ^/pass/(.*)$ http://127.0.0.1:{app}/$1 [P]
<Location "/pass">
    Require kratos-session
</Location>
<Directory "{root}/open">
    Require all granted
    Options +Includes +Indexes +MultiViews
    AddType text/html .shtml
    AddOutputFilter INCLUDES .shtml
    AddLanguage en .en
    AddLanguage de .de
    <Files "hidden.txt">
        Require kratos-session
    </Files>
    <FilesMatch "^doc">
        Require kratos-session
    </FilesMatch>
</Directory>
<Directory "{root}">
    Options +Includes
    AddOutputFilter INCLUDES .shtml
    FileETag MTime Size
</Directory>
<Directory "{root}/open/inside">
    RewriteEngine On
    RewriteRule "^(.*)$" "/secret.txt"
</Directory>
<Directory "{root}/moved">
    RewriteEngine On
    RewriteRule "^(.*)$" "/secret.txt"
</Directory>
<Directory "{root}/ht*">
    Require all granted
    AllowOverride AuthConfig
</Directory>
<Directory "{root}/satisfy">
    Require kratos-session
    SetEnvIf X-Friend yes friend
    Order deny,allow
    Deny from all
    Allow from env=friend
    Satisfy any
</Directory>
<Directory "{root}/if">
    Require all granted
    <If "%{{REQUEST_URI}} !~ /free/">
        Require kratos-session
    </If>
</Directory>
<Directory "{root}/address">
    <RequireAny>
        Require ip 10.11.12.13
        Require kratos-session
    </RequireAny>
</Directory>
<Directory "{root}/nearby">
    AuthType Kratos
    <RequireAny>
        Require ip 127.0.0.1
        Require kratos-session
    </RequireAny>
    Header set X-Who "expr=%{{reqenv:KRATOS_IDENTITY_ID}}"
</Directory>
<Directory "{root}/basic">
    AuthType Basic
    AuthName "operators"
    AuthUserFile "{dir}/users"
    Require valid-user
    Header set X-Who "expr=%{{reqenv:KRATOS_IDENTITY_ID}}"
</Directory>
<Directory "{root}/both">
    AuthType Basic
    AuthName "operators"
    AuthUserFile "{dir}/users"
    <RequireAny>
        Require kratos-session
        Require valid-user
    </RequireAny>
</Directory>
<Directory "{root}/admins">
    Require kratos-trait name boss
</Directory>
'''

TLS = '''
SSLSessionCache none
Listen 127.0.0.1:{port} https
<VirtualHost 127.0.0.1:{port}>
    ServerName localhost
    SSLEngine On
    SSLCertificateFile "{dir}/cert.pem"
    SSLCertificateKeyFile "{dir}/key.pem"
    Protocols h2 http/1.1
    KratosRealm main
    DocumentRoot "{root}"
    <Directory "{root}">
        Require kratos-session
    </Directory>
    <Location "/app">
        Require kratos-session
        ProxyPass "http://127.0.0.1:{app}/app"
    </Location>
</VirtualHost>
'''


@pytest.fixture(scope='module')
def app():
    app = Http()
    yield app
    app.close()


@pytest.fixture(scope='module')
def site(request, app):
    folder, tls = scratch('places'), free_port()
    root = folder / 'gate'
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        (root / name).write_text(text)
    add_operator(folder)
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-days', '2',
                    '-keyout', folder / 'key.pem', '-out', folder / 'cert.pem'], check=True, capture_output=True)
    names = dict(root=root, dir=folder, app=app.port, port=tls)
    before = modules('access_compat', 'autoindex', 'negotiation', 'http2', 'ssl') + TLS.format(**names)
    server = start_gate(request, None, LINES.format(**names), also=[f'https://127.0.0.1:{tls}'], before=before, dir=folder)
    server.expect_log('AH01630|AH01797|unable to include')   # httpd says when it denies, or when a part of a page is missing
    server.tls = tls
    yield server
    end(server)


@pytest.fixture
def member(site):
    """A program with a session."""
    client = site.native()
    client.email = new_email()
    client.register(client.email).must(200)
    return client


def shows(answer):
    return SECRET.encode() in answer.body


# -- every way, without a session --------------------------------------------------------------------

WAYS = ['/', '/index.html', '/secret.txt', '/alias', '/open/alias', '/open/inside/x', '/moved/x', '/ht/', '/ht/sub/', '/satisfy/', '/if/',
        '/if/index.html', '/address/', '/basic/', '/both/', '/admins/', '/open/list/hidden.txt', '/open/neg/doc.html', '/open/neg/doc',
        '/open/neg/doc.html.en', '/errors/', '/parts.shtml', '/open/parts.shtml', '/open/nowhere', '/nowhere', '/open/../secret.txt',
        '/open/list/', '/ht/.htaccess', '/secret.txt/more', '/%73ecret.txt', '//secret.txt', '/open//../secret.txt', '/open/%2e%2e/secret.txt',
        '/if/index.html?free', '/if/index.html/free', '/open/list/hidden.txt/', '/pass/x']


@pytest.mark.parametrize('path', WAYS)
@pytest.mark.parametrize('kind', ['browser', 'native'])
def test_nobody_sees_a_guarded_word_without_a_session(site, kind, path):
    client = site.client(kind)
    answer = client.get(site.gate + path)
    assert not shows(answer) and answer.status < 500
    if path not in ('/open/parts.shtml', '/open/list/'):
        assert answer.status in (303, 401, 404)
    if answer.status == 303 and '//..' not in path:
        assert parse_qs(urlsplit(answer.location).query)['return_to'] == [site.gate + path], 'back to where they wanted to go'


@pytest.mark.parametrize('method', ['HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PROPFIND', 'CONNECT', 'BREW', 'get', 'TRACE'])
@pytest.mark.parametrize('path', ['/secret.txt', '/open/inside/x', '/pass/x'])
def test_nor_by_another_method(site, method, path):
    line = f'{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{site.gate_port}\r\nX-Kratos-Identity-Id: me\r\nConnection: close\r\n\r\n'
    status, _, body = raw(site.gate_port, line.encode(), method)
    assert SECRET.encode() not in body
    if method == 'TRACE':                       # httpd's own answer, which is what was asked; TraceEnable is Off elsewhere
        assert status in (200, 401) and b'X-Kratos' not in body
    else:
        assert 400 <= status < 500


@pytest.mark.parametrize('length', [True, False], ids=['length', 'chunked'])
def test_the_body_of_a_refused_request_is_not_the_next_request(site, length):
    inner = f'GET /open/page.txt HTTP/1.1\r\nHost: 127.0.0.1:{site.gate_port}\r\n\r\n'.encode()
    head = f'POST /secret.txt HTTP/1.1\r\nHost: 127.0.0.1:{site.gate_port}\r\n'.encode()
    if length:
        request = head + f'Content-Length: {len(inner)}\r\n\r\n'.encode() + inner
    else:
        request = head + b'Transfer-Encoding: chunked\r\n\r\n' + f'{len(inner):x}\r\n'.encode() + inner + b'\r\n0\r\n\r\n'
    last = f'GET /open/index.html HTTP/1.1\r\nHost: 127.0.0.1:{site.gate_port}\r\nConnection: close\r\n\r\n'.encode()
    with socket.create_connection(('127.0.0.1', site.gate_port), 20) as s:
        s.sendall(request + last)
        bodies = []
        data = b''
        while more := s.recv(65536):
            data += more
    assert data.startswith(b'HTTP/1.1 401') and b'open text' not in data and data.count(b'HTTP/1.1 200') <= 1


# -- .htaccess -------------------------------------------------------------------------------------------

def test_htaccess_guards_a_folder(site, member):
    assert site.browser().get(site.gate + '/ht/').status == 401, 'as its own line says'
    assert site.native().get(site.gate + '/ht/sub/').status == 303, 'and the one below it'
    assert shows(member.get(site.gate + '/ht/').must(200)) and shows(member.get(site.gate + '/ht/sub/').must(200))


@pytest.mark.parametrize('folder, words', [('ht-wrong', 'aal1 or aal2'), ('ht-regex', 'regular expression'), ('ht-export', 'no field'),
                                           ('ht-realm', 'not allowed here')])
def test_a_wrong_line_in_htaccess_is_a_500_with_the_reason_in_the_log(site, member, folder, words):
    site.expect_log(re.escape(f'/{folder}/.htaccess'))
    for client in (member, site.native(), site.browser()):
        assert client.get(f'{site.gate}/{folder}/').status == 500
    assert any(f'/{folder}/.htaccess' in line and words in line for line in site.log().splitlines())


# -- other modules' rules ------------------------------------------------------------------------------------

def test_satisfy_any_lets_in_by_address_or_by_session(site, member):
    nobody = site.native()
    assert nobody.get(site.gate + '/satisfy/').status == 401
    assert shows(nobody.get(site.gate + '/satisfy/', headers={'X-Friend': 'yes'}).must(200))
    assert shows(member.get(site.gate + '/satisfy/').must(200))


def test_a_session_or_an_address(site, member):
    assert site.native().get(site.gate + '/address/').status == 401 and site.browser().get(site.gate + '/address/').status == 303
    assert shows(member.get(site.gate + '/address/').must(200))
    assert shows(site.native().get(site.gate + '/nearby/').must(200)) and not site.native().get(site.gate + '/nearby/').header('X-Who')
    assert member.get(site.gate + '/nearby/').header('X-Who') == member.session()['identity']['id'], 'known though nobody had to ask'


def test_passwords_of_httpd_go_on_beside_it(site, member):
    site.expect_log('AH01617|AH01618')
    for path in ('/basic/', '/both/'):
        refused = site.native().get(site.gate + path)
        assert refused.status == 401 and refused.header('WWW-Authenticate').startswith('Basic')
        assert site.native().get(site.gate + path, headers=basic('wrong')).status == 401
        assert shows(site.native().get(site.gate + path, headers=OPERATOR).must(200))
    assert member.get(site.gate + '/basic/').status == 401, 'a session is no password'
    assert not member.get(site.gate + '/basic/', headers=OPERATOR).must(200).header('X-Who')
    assert shows(member.get(site.gate + '/both/').must(200))


def test_sections_that_depend_on_the_request(site, member):
    assert site.native().get(site.gate + '/if/free.html').status == 200
    assert shows(member.get(site.gate + '/if/').must(200))


# -- redirects inside, parts of pages -----------------------------------------------------------------------------

@pytest.mark.parametrize('path', ['/alias', '/open/alias', '/open/inside/x', '/moved/x', '/open/neg/doc', '/open/neg/doc.html', '/errors/'])
def test_who_is_signed_in_gets_there(site, member, path):
    assert shows(member.get(site.gate + path, accept='*/*').must(200))


def test_error_documents(site, member):
    """One that is guarded is for those who may see it; one that is open is for all; the status stays what it was."""
    person = site.browser()
    person.register(new_email()).must(303)
    assert shows(member.get(site.gate + '/open/nowhere').must(404))
    assert not shows(site.native().get(site.gate + '/open/nowhere'))
    denied = person.get(site.gate + '/admins/')
    assert denied.status == 403 and b'not for you' in denied.body
    assert member.get(site.gate + '/admins/').json['error']['code'] == 403


def statements(site, path):
    """What the one request for that path cost. httpd writes the line when the answer is already there."""
    log = site.dir / 'access.log'
    lines = wait_for(lambda: [ln for ln in log.read_text().splitlines() if f' {path} ' in ln and 'sql=' in ln])
    return re.search(r'sql=(\S+)', lines[-1])[1]


def test_parts_of_a_page_cost_one_look_at_the_session(site, member):
    page = member.get(site.gate + '/parts.shtml?cost').must(200)
    assert page.body.count(SECRET.encode()) == 4 and member.session()['identity']['id'].encode() in page.body
    assert statements(site, '/parts.shtml?cost') == '1'
    page = member.get(site.gate + '/open/parts.shtml?cost').must(200)
    assert page.body.count(SECRET.encode()) == 3 and statements(site, '/open/parts.shtml?cost') == '1'


@pytest.mark.parametrize('kind', ['browser', 'native'])
def test_an_open_page_leaves_its_guarded_parts_out(site, kind):
    page = site.client(kind).get(site.gate + '/open/parts.shtml').must(200)
    assert b'<p>page</p>' in page.body and b'<p>end</p>' in page.body and not shows(page) and not page.location


@pytest.mark.parametrize('kind', ['browser', 'native'])
def test_a_listing_names_what_its_reader_may_see(site, member, kind):
    listing = site.client(kind).get(site.gate + '/open/list/').must(200)
    assert b'public.txt' in listing.body and b'hidden.txt' not in listing.body
    assert b'hidden.txt' in member.get(site.gate + '/open/list/').must(200).body


def test_negotiation_chooses_among_what_its_reader_may_see(site, member):
    assert member.get(site.gate + '/open/neg/doc', accept='*/*', headers={'Accept-Language': 'de'}).must(200).header('Content-Language') == 'de'
    assert site.native().get(site.gate + '/open/neg/free', accept='*/*').status == 200


# -- ranges and conditions -------------------------------------------------------------------------------------------

def test_ranges_and_conditions_of_guarded_files(site, member):
    whole = member.get(site.gate + '/secret.txt').must(200)
    part = member.get(site.gate + '/secret.txt', headers={'Range': 'bytes=0-2'}).must(206)
    assert part.body == SECRET[:3].encode() and part.header('Cache-Control') == whole.header('Cache-Control') == 'private'
    several = member.get(site.gate + '/secret.txt', headers={'Range': 'bytes=0-2,5-6'}).must(206)
    assert several.header('Cache-Control') == 'private'
    again = member.get(site.gate + '/secret.txt', headers={'If-None-Match': whole.header('ETag')}).must(304)
    assert again.header('Cache-Control') == 'private'
    for headers in ({'Range': 'bytes=0-2'}, {'If-None-Match': whole.header('ETag')}, {'If-Modified-Since': whole.header('Last-Modified')},
                    {'If-Match': '"x"'}, {'Range': 'bytes=999-'}):
        refused = site.native().get(site.gate + '/secret.txt', headers=headers)
        assert refused.status == 401 and not refused.header('Content-Range') and not refused.header('ETag')


# -- HTTP/2 ----------------------------------------------------------------------------------------------------------------

def curl(*args):
    """(version, status, headers, body) of an exchange."""
    out = subprocess.run(['curl', '--silent', '--insecure', '--max-time', '20', '--include', *args], check=True, capture_output=True).stdout
    head, _, body = out.partition(b'\r\n\r\n')
    lines = head.decode().split('\r\n')
    version, status = lines[0].split()[:2]
    return version, int(status), dict(line.lower().split(': ', 1) for line in lines[1:]), body


@pytest.mark.parametrize('tls', [False, True], ids=['h2c', 'h2'])
def test_over_http_2(site, member, tls):
    base, how = (f'https://127.0.0.1:{site.tls}', '--http2') if tls else (site.gate, '--http2-prior-knowledge')
    version, status, headers, body = curl(how, base + '/secret.txt')
    assert (version, status) == ('HTTP/2', 401) and 'error' in json.loads(body) and headers['cache-control'] == 'no-store'
    _, status, headers, _ = curl(how, '-H', 'Sec-Fetch-Mode: navigate', base + '/secret.txt?a=b')
    assert status == 303 and parse_qs(urlsplit(headers['location']).query)['return_to'] == [base + '/secret.txt?a=b']
    token = 'X-Session-Token: ' + member.token
    version, status, headers, body = curl(how, '-H', token, base + '/secret.txt')
    assert (version, status) == ('HTTP/2', 200) and SECRET.encode() in body and headers['cache-control'] == 'private'
    _, status, _, body = curl(how, '-H', token, '-H', 'X-Kratos-Identity-Id: forged', '-H', 'x_kratos_aal: forged',
                              base + ('/app/x' if tls else '/pass/x'))
    heard = [(k, v) for k, v in told(body, False) if 'KRATOS' in k]
    assert status == 200 and ('HTTP_X_KRATOS_IDENTITY_ID', member.session()['identity']['id']) in heard and len(heard) == 5


def test_cookies_that_come_in_crumbs(site):
    """HTTP/2 may send each cookie in a header of its own."""
    person = site.browser()
    person.register(new_email()).must(303)
    crumbs = [x for name, value in {'a': 'b', **person.cookies, 'c': 'd'}.items() for x in ('-H', f'Cookie: {name}={value}')]
    assert curl('--http2-prior-knowledge', *crumbs, site.gate + '/secret.txt')[1] == 200
