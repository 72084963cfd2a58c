# SPDX-License-Identifier: Apache-2.0
"""What strangers may send to the gate and through it to the login: never a crash, never a 5xx, never a way to somebody else's site."""
import json
import re
import subprocess
import time
from urllib.parse import quote

import pytest

from conftest import end, start_gate
from lib.backends import Http, raw, told
from lib.clients import PASSWORD, new_email
from lib.settings import UI, inline
from test_gate_rules import SCHEMA

pytestmark = pytest.mark.san

PLACES = '''
<Location "/app">
    Require kratos-session
    ProxyPass "http://127.0.0.1:{app}/app"
</Location>
<Location "/told">
    KratosExport default traits.nick traits.groups
    Require kratos-session
    ProxyPass "http://127.0.0.1:{app}/told"
</Location>
<Location "/hidden">
    KratosHideCookie On
    Require all granted
    ProxyPass "http://127.0.0.1:{app}/hidden"
</Location>
<Location "/as-nick">
    KratosExport user=traits.nick
    Require kratos-session
</Location>
<Location "/explodes">
    Require kratos-trait groups "/^(a+)+$/"
</Location>
<Location "/no-explosion">
    <RequireAll>
        Require kratos-session
        Require not kratos-trait groups "/^(a+)+$/"
    </RequireAll>
</Location>
'''


@pytest.fixture(scope='module')
def app():
    app = Http()
    yield app
    app.close()


@pytest.fixture(scope='module')
def site(request, app):
    changes = {'identity': {'schemas': [{'id': 'person', 'url': inline(SCHEMA)}]}}
    server = start_gate(request, None, PLACES.format(app=app.port), changes, ['https://*.wild.example.org'],
                        before='LimitRequestFieldSize 131072\n')
    server.expect_log('AH0163[01]|AH10244|AH00127|KR0701|KR1222')
    for name in ('as-nick', 'explodes', 'no-explosion'):
        (server.dir / 'gate' / name).write_text('there')
    yield server
    end(server)


@pytest.fixture(scope='module')
def person(site):
    """Somebody with a cookie."""
    client = site.browser()
    client.register(new_email()).must(303)
    return client


def new_app(site, **traits):
    client = site.native()
    client.register(new_email(), **traits).must(200)
    return client


def ask(site, path, *lines, accept='application/json'):
    head = [f'GET {path} HTTP/1.1', f'Host: 127.0.0.1:{site.gate_port}', f'Accept: {accept}', 'Connection: close']
    data = '\r\n'.join(head).encode() + b'\r\n' + b''.join(line + b'\r\n' for line in lines) + b'\r\n'
    return raw(site.gate_port, data)


# -- cookies --------------------------------------------------------------------------------------

NAME = b'ory_kratos_session'


def crafted(good):
    """{what: (Cookie line, may it let in?)}"""
    session, bad = NAME + b'=' + good, NAME + b'=' + b'A' * 60
    return {
        'nothing': (b'', False), 'blanks': (b'   ', False), 'semicolons': (b';' * 9000, False), 'equal signs': (b'=' * 9000, False),
        'no value': (NAME, False), 'empty value': (NAME + b'=', False), '64 kB': (NAME + b'=' + b'a' * 65536, False),
        '60 kB of another': (b'x=' + b'a' * 60000 + b'; ' + session, True),
        'thousands': (b'; '.join(b'c%d=1' % i for i in range(6000)) + b'; ' + session, True),
        'thousands without values': (b'a;' * 20000 + session, True), 'thousands of sessions': ((bad + b'; ') * 1000, False),
        'bad, then good': (bad + b'; ' + session, True), 'many bad, then good': ((bad + b'; ') * 8 + session, False), 'good, then bad': (session + b'; ' + bad, True),
        'good twice': (session + b'; ' + session, True), 'empty, then good': (NAME + b'=; ' + session, True),
        'quoted': (NAME + b'="' + good + b'"', False), 'half a quote': (NAME + b'="' + good, False),
        'a quote before': (b'x="; ' + session + b'; y="', True), 'control bytes': (NAME + b'=\x01\x02\x7f' + good, False),
        'beyond ASCII': (NAME + b'=\xff\xfe' + good, False), 'longer name': (b'x' + session, False), 'other case': (session.upper(), False),
        'cut off': (session[:-1], False), 'one more': (session + b'A', False), 'tabs around': (b'\t' + session + b'\t', True),
        'blank before =': (NAME + b' =' + good, False), 'escaped': (NAME + b'=' + quote(good.decode(), safe='').replace('.', '%2E').encode(), False),
        'other expiry': (NAME + b'=' + b'.'.join([good.split(b'.')[0], b'9999999999', good.split(b'.', 2)[2]]), False),
        'many dots': (NAME + b'=' + b'.' * 100, False), 'no random part': (NAME + b'=.' + good.split(b'.', 1)[1], False),
        'format': (NAME + b'=%s%n%x%p', False), 'comma': (b'a=b, ' + session, False), '$Version': (b'$Version=1; ' + session, True),
    }


def test_crafted_cookies(site, person):
    good = person.cookies['ory_kratos_session'].encode()
    for what, (line, lets_in) in crafted(good).items():
        for path in ('/index.html', '/app/x'):
            status, headers, body = ask(site, path, b'Cookie: ' + line)
            assert status == (200 if lets_in else 400 if what == 'control bytes' else 401), what
            assert status != 401 or headers['content-type'] == 'application/json'
            if status == 200 and path == '/app/x':
                cookies = dict(told(body, False)).get('HTTP_COOKIE', '')
                assert 'ory_kratos_session' not in cookies and good.decode() not in cookies, what
    line, _ = crafted(good)['thousands']
    status, _, body = ask(site, '/app/x', b'Cookie: ' + line)
    assert len(dict(told(body, False))['HTTP_COOKIE'].split('; ')) == 6000, 'the others arrive'


@pytest.mark.parametrize('line', [b'Cookie: a\x00b', b'Cookie: a\rb', b'Cookie:', b'Cookie', b'Cookie : a=b', b': a', b'Cookie: ' + b'a' * 200000])
def test_what_is_no_header_is_refused(site, line):
    assert ask(site, '/index.html', line)[0] in (400, 401, 431)


def test_several_cookie_lines(site, person):
    good = ('Cookie: ory_kratos_session=' + person.cookies['ory_kratos_session']).encode()
    for lines in ([good, good], [b'Cookie: a=b', good], [good, b'Cookie: a=b'], [good] * 50):
        assert ask(site, '/app/x', *lines)[0] in (200, 401)


def test_a_cookie_that_shall_be_hidden_is_hidden_in_open_places_too(site, person):
    good = person.cookies['ory_kratos_session']
    heard = dict(told(ask(site, '/hidden/x', f'Cookie: a=b; ory_kratos_session={good}; c=d'.encode(), b'X-Session-Token: ory_st_x',
                          b'Authorization: Bearer ory_st_' + b'x' * 32)[2], False))
    assert heard['HTTP_COOKIE'] == 'a=b; c=d' and 'HTTP_X_SESSION_TOKEN' not in heard and 'HTTP_AUTHORIZATION' not in heard
    heard = dict(told(ask(site, '/hidden/x', b'Authorization: Bearer somebody-elses')[2], False))
    assert heard['HTTP_AUTHORIZATION'] == 'Bearer somebody-elses'


def memory(site):
    """Of its children, at the highest, in KiB."""
    def of(pid):
        with open(f'/proc/{pid}/status') as f:
            return int(re.search(r'VmHWM:\s+(\d+)', f.read())[1])
    return sum(of(pid) for pid in site.httpd()[1:])


@pytest.mark.parametrize('header', ['Cookie: ory_kratos_session={session}; ', 'Connection: ', 'Connection: X-Kratos-Aal, ', 'Proxy-Connection: x-kratos-aal,'])
def test_long_lists_cost_no_more_than_their_length(request, site, person, header):
    if request.config.getoption('--san'):
        limit = 400000
    else:
        limit = 60000
    line = header.format(session=person.cookies['ory_kratos_session']).encode()
    separator = b';' if b'Cookie' in line[:6] else b','
    before = memory(site)
    assert ask(site, '/app/x', line + (b'a' + separator) * 60000)[0] in (200, 401, 431)      # 431 is the application's
    assert memory(site) - before < limit, 'once it took gigabytes'


# -- return_to --------------------------------------------------------------------------------------------

EVIL = 'evil.example'
TRICKS = ['https://' + EVIL, '//' + EVIL, '///' + EVIL, '////' + EVIL, '/\\' + EVIL, '\\\\' + EVIL, '\\/' + EVIL, '/\\/' + EVIL, 'https:' + EVIL,
          'https:/' + EVIL, 'https:\\\\' + EVIL, 'https:///' + EVIL, 'http:' + EVIL, 'HTTPS://' + EVIL, '{gate}@' + EVIL, '{gate}:80@' + EVIL + '/',
          'http://user:pw@' + EVIL, '{gate}.' + EVIL, '{gate}%2f@' + EVIL, '{gate}%40' + EVIL, '{gate}\\@' + EVIL, '{gate}#@' + EVIL,
          '{gate}?@' + EVIL, 'http://' + EVIL + '#{gate}', 'http://' + EVIL + '?{gate}', 'http://' + EVIL + '\\{gate}', '%2f%2f' + EVIL,
          '/%2f' + EVIL, '%5c%5c' + EVIL, '/%5c' + EVIL, '/%09/' + EVIL, '/\t/' + EVIL, '/\n/' + EVIL, '\t//' + EVIL, ' //' + EVIL, '\x00//' + EVIL,
          'ht\ttps://' + EVIL, 'h\nttps://' + EVIL, 'java\nscript:alert(1)', 'javascript:alert(1)', 'JavaScript:alert(1)', 'javascript://{gate}/%0aalert(1)',
          'data:text/html,<script>alert(1)</script>', 'vbscript:x', 'file:///etc/passwd', 'blob:{gate}', 'view-source:{gate}', 'about:blank',
          'mailto:a@' + EVIL, '／／' + EVIL, '/／' + EVIL, '⁄⁄' + EVIL, 'https://evil。example', 'https://evil．example', '{gate}．' + EVIL,
          'http://127。0。0。1.' + EVIL, 'https://wild.example.org', 'https://wild.example.org.' + EVIL, 'https://x.wild.example.org@' + EVIL,
          'https://x.wild.example.org\\.' + EVIL, 'https://x.wild.example.org%2e' + EVIL, 'https://' + EVIL + '/.wild.example.org',
          'https://' + EVIL + '?.wild.example.org', 'https://' + EVIL + '#.wild.example.org', 'https://' + EVIL + '\\.wild.example.org',
          'https://' + EVIL + '%23.wild.example.org', 'https://' + EVIL + '%00.wild.example.org', 'https://' + EVIL + '\x00.wild.example.org',
          'https://ev il.wild.example.org', 'https://[::1]', 'https://[::ffff:1.2.3.4]/', 'http://2130706433/', 'http://0x7f.1/', '{gate}/../..//' + EVIL,
          '{gate}/..%2f..%2f/' + EVIL, '//{gate}@' + EVIL, '?return_to=//' + EVIL, '..//' + EVIL, './/' + EVIL, ';//' + EVIL, '{gate}\r\nLocation: http://' + EVIL,
          '{gate}/%0d%0aLocation:%20http://' + EVIL, '{gate}/\r\nSet-Cookie: a=b', 'http://[' + EVIL, 'http://' + EVIL + ']', 'http://', '//', 'http:', ':', '\\', '{gate}' + 'x' * 100000]

JUDGE = '''
const [base, ...locations] = JSON.parse(require('node:fs').readFileSync(0));
console.log(JSON.stringify(locations.map(l => { try { return new URL(l, base).origin } catch (e) { return 'none' } })));'''


def origins(base, locations):
    """Where a browser would go, as the URL Standard has it."""
    return json.loads(subprocess.run(['node', '-e', JUDGE], input=json.dumps([base, *locations]), check=True, capture_output=True,
                                     text=True).stdout)


def lead_to(site, answers):
    locations = [a.location for a in answers if a.location]
    assert not [location for location in locations if not re.fullmatch(r'[!-~]+', location)], 'one line of printable ASCII'
    allowed = {site.url, site.gate, UI}
    wrong = [x for x in zip(locations, origins(site.url + '/self-service/login/browser', locations))
             if x[1] not in allowed and not re.fullmatch(r'https://[a-z0-9-]+\.wild\.example\.org', x[1])]
    assert not wrong
    assert {a.status for a in answers} <= {200, 204, 302, 303, 400, 401, 403, 404, 414, 422}, [a.status for a in answers]
    assert not any(a.header('Set-Cookie', '').startswith('a=') for a in answers)


def test_return_to_leads_nobody_away(site):
    """At the begin of each flow, at the sign-in itself, for people who are signed in already, and at the sign-out."""
    person, email = site.browser(), new_email()
    site.native().register(email).must(200)
    answers = []
    for trick in TRICKS:
        to = quote(trick.format(gate=site.gate), safe='') if len(trick) < 1000 else trick.format(gate=site.gate)
        for path in ('/self-service/login/browser', '/self-service/registration/browser'):
            begun = site.browser().get(f'{path}?return_to={to}')
            answers.append(begun)
            if begun.location and begun.location.startswith(UI + '/login?flow='):       # it was taken: then it must be harmless
                person.cookies.clear()
                flow = person.init('login', {'return_to': trick.format(gate=site.gate)})
                flow = person.fetch('login', flow.flow_id).must(200)
                answers.append(person.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD}))
    person.cookies.clear()
    person.login(email)
    for trick in TRICKS:
        to = quote(trick.format(gate=site.gate), safe='') if len(trick) < 1000 else trick.format(gate=site.gate)
        answers.append(person.get(f'/self-service/login/browser?return_to={to}'))
        answers.append(person.get(f'/self-service/login/browser?gate=none&return_to={to}'))
        answers.append(person.get(f'/self-service/logout/browser?return_to={to}', accept='application/json'))
        answers.append(person.get(f'/self-service/logout?token=ory_lo_x&return_to={to}'))
    lead_to(site, answers)


def test_odd_paths_and_hosts_at_the_gate_lead_nobody_away(site):
    """The gate puts what was asked for into return_to; the login looks at it as at anybody's."""
    person, email = site.browser(), new_email()
    site.native().register(email).must(200)
    person.login(email).must(303)
    paths = ['//' + EVIL, '/\\' + EVIL, '/%5c' + EVIL, '/%2f' + EVIL, '/%2f%2f' + EVIL, '//' + EVIL + '/..', '/..//' + EVIL, '/;//' + EVIL, '/.//' + EVIL,
             '/@' + EVIL, '/%0d%0aLocation:%20http://' + EVIL, '/%09//' + EVIL, 'http://' + EVIL + '/', 'http://' + EVIL + '@127.0.0.1/',
             'http://127.0.0.1@' + EVIL + '/', '/?return_to=//' + EVIL, '/?gate=none&return_to=//' + EVIL, '/x?a=b#//' + EVIL, '/%ff%fe', '/%00', '/' + 'a' * 7000]
    answers = []
    for path in paths:
        for host in ('', EVIL, f'{EVIL}:{site.gate_port}', f'127.0.0.1:{site.gate_port}@{EVIL}', f'{EVIL}\\', f'127.0.0.1%2f{EVIL}'):
            lines = [f'Host: {host or "127.0.0.1:" + str(site.gate_port)}'.encode(), b'Accept: text/html', b'Connection: close']
            status, headers, _ = raw(site.gate_port, f'GET {path} HTTP/1.1\r\n'.encode() + b'\r\n'.join(lines) + b'\r\n\r\n')
            assert status in (200, 303, 400, 401, 403, 404), (path, host)
            if status == 303:
                assert headers['location'].startswith(site.url + '/self-service/login/browser?return_to=')
                answers.append(person.get(headers['location']))
    assert len(answers) > 20
    lead_to(site, answers)


# -- hostile traits ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize('nick', ['a\r\nX-Evil: 1', 'a\nb', 'a\rb', '\x00', '\x85', '\u2028', 'ä' * 10, '\U0001f600', '%0d%0a', '<script>', '"; a=b', ' ', '=?x?='])
def test_hostile_traits_make_no_header_of_their_own(site, nick):
    client = site.native()
    answer = client.register(new_email(), nick=nick)
    if answer.status == 400:
        return                                  # refused before it could do harm
    heard = told(client.get(site.gate + '/told/x').must(200).body, False)
    assert not [k for k, _ in heard if 'EVIL' in k]
    values = [v for k, v in heard if k == 'HTTP_X_KRATOS_TRAITS_NICK']
    assert values in ([], [quote(nick, safe='''!"#$&'()*+,/:;<=>?@[\\]^`{|} ''').strip()])
    assert client.get(site.gate + '/as-nick').status in (200, 403)


@pytest.mark.parametrize('length, arrives', [(4096, True), (4097, False), (50000, False)])
def test_long_values_are_left_out(site, length, arrives):
    client = new_app(site, nick='n' * length, groups=['ok'])
    heard = dict(told(client.get(site.gate + '/told/x').must(200).body, False))
    assert ('HTTP_X_KRATOS_TRAITS_NICK' in heard) == arrives and heard['HTTP_X_KRATOS_TRAITS_GROUPS'] == '["ok"]'
    assert heard['HTTP_X_KRATOS_IDENTITY_ID'] and client.get(site.gate + '/as-nick').status == 403, 'that is no name'
    if not arrives:
        client.get(site.gate + '/told/x').must(200)
        assert 1 <= site.log().count('KR1222') <= 4, 'said once by each process'


# -- expressions ------------------------------------------------------------------------------------------------------

def test_expressions_that_explode_hold_nobody_up(site):
    """Each member of the array is made to cost as much as the limits allow."""
    client = new_app(site, groups=['a' * 50 + '!'] * 1000)
    begun = time.monotonic()
    assert client.get(site.gate + '/explodes').status == 403
    assert client.get(site.gate + '/no-explosion').status == 500, 'it cannot be told, so nobody is let in'
    assert time.monotonic() - begun < 5
    assert new_app(site, groups=['aaa']).get(site.gate + '/explodes').status == 200
    assert new_app(site, groups=['b'] * 1000).get(site.gate + '/no-explosion').status == 200
