# SPDX-License-Identifier: Apache-2.0
"""The gate's rules beyond "somebody is signed in", what the application is told, and what is kept from it."""
import json
import re
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import end, start_gate
from lib.backends import of_kratos
from lib.clients import PASSWORD, new_email
from lib.mailbox import VERIFICATION, Mailbox
from lib.serving import Server, wait_for
from lib.settings import UI, base, inline

pytestmark = [pytest.mark.san, pytest.mark.rules]

SCHEMA = {
    '$id': 'https://schemas.example.org/member.schema.json',
    '$schema': 'http://json-schema.org/draft-07/schema#',
    'type': 'object',
    'properties': {'traits': {'type': 'object', 'properties': {
        'email': {'type': 'string', 'format': 'email',
                  'ory.sh/kratos': {'credentials': {'password': {'identifier': True}}, 'verification': {'via': 'email'}}},
        'role': {'type': 'string'},
        'age': {'type': 'integer'},
        'staff': {'type': 'boolean'},
        'nick': {'type': 'string'},
        'groups': {'type': 'array', 'items': {'type': 'string'}},
        'address': {'type': 'object', 'properties': {'country': {'type': 'string'}}},
    }, 'required': ['email']}},
}

RULES = {
    'session': 'Require kratos-session',
    'user': 'AuthType Kratos\nRequire valid-user',
    'admins': 'Require kratos-trait role admin',
    'admins-typed': 'AuthType Kratos\nRequire kratos-trait role admin',
    'adults': 'Require kratos-trait age /^(1[89]|[2-9][0-9])$/',
    'staff': 'Require kratos-trait staff true',
    'editors': 'Require kratos-trait groups editors chiefs',
    'germans': 'Require kratos-trait address.country DE AT',
    'people': 'Require kratos-schema person',
    'robots': 'Require kratos-schema robot',
    'strong': 'Require kratos-aal aal2',
    'verified': 'Require kratos-verified email',
    'house': 'Require kratos-verified email "/@house\\.example$/"',
    'all': '<RequireAll>\nRequire kratos-trait role admin\nRequire kratos-trait staff true\n</RequireAll>',
    'any': '<RequireAny>\nRequire kratos-trait role admin\nRequire kratos-trait staff true\n</RequireAny>',
    'none': '<RequireAll>\nRequire kratos-session\n<RequireNone>\nRequire kratos-trait role admin\n</RequireNone>\n</RequireAll>',
    'not': '<RequireAll>\nRequire kratos-session\nRequire not kratos-trait role admin\n</RequireAll>',
    'explodes': 'Require kratos-trait nick "/^(a+)+$/"',
    'never-redirect': 'KratosUnauthenticated 401\nRequire kratos-trait role admin',
    'optional': 'AuthType Kratos\nRequire all granted\nProxyPass http://127.0.0.1:{backend}/optional',
    'exports': 'KratosExport traits.email nick=traits.nick traits.groups\nRequire kratos-session\n'
               'ProxyPass http://127.0.0.1:{backend}/exports',
    'exports-none': 'KratosExport none\nRequire kratos-session\nProxyPass http://127.0.0.1:{backend}/exports-none',
    'as-nick': 'KratosExport user=traits.nick\nRequire kratos-session\nProxyPass http://127.0.0.1:{backend}/as-nick\n'
               'RequestHeader set X-User "expr=%{{REMOTE_USER}}"',
    'app': 'Require kratos-session\nProxyPass http://127.0.0.1:{backend}/app',
    'trusted-app': 'KratosHideCookie Off\nRequire kratos-session\nProxyPass http://127.0.0.1:{backend}/trusted-app',
    'open-app': 'Require all granted\nProxyPass http://127.0.0.1:{backend}/open-app',
    'signed': 'KratosExportToken On https://app.example.org\nRequire kratos-session\nProxyPass http://127.0.0.1:{backend}/signed',
    'if': '<If "%{{KRATOS:traits.role}} == \'admin\'">\nHeader set X-Seen admin\n</If>\nRequire all granted',
    'header': 'Header set X-Aal "expr=%{{KRATOS:aal}}"\nRequire all granted',
}
OUTSIDE = '''
RewriteEngine On
RewriteCond expr "kratos('traits.role') == 'admin'"
RewriteRule ^/by-role$ /for-admins.html
RewriteRule ^/by-role$ /for-others.html
LogFormat "%u %{kratos-identity}n %{kratos-session}n %{kratos-aal}n %{kratos-verdict}n %U" kratos
CustomLog "${KRATOS_TEST_LOG}" kratos
'''


def places(backend):
    lines = [f'<Location "/{name}">\n{lines.format(backend=backend)}\n</Location>' for name, lines in RULES.items()]
    return '\n'.join(lines) + OUTSIDE


@pytest.fixture(scope='module')
def mailbox():
    box = Mailbox()
    yield box
    box.close()


@pytest.fixture(scope='module')
def site(request, database, backend, mailbox, tmp_path_factory):
    changes = {
        'selfservice': {'methods': {'code': {'enabled': True}},
                        'flows': {'verification': {'enabled': True, 'use': 'code', 'ui_url': UI + '/verification'}}},
        'identity': {'schemas': [{'id': 'person', 'url': inline(SCHEMA)}]},
        'courier': {'smtp': {'connection_uri': mailbox.uri, 'from_address': 'kratos@example.org'}},
    }
    log = tmp_path_factory.mktemp('log') / 'access.log'
    lines = places(backend.port).replace('${KRATOS_TEST_LOG}', str(log))
    server = start_gate(request, database, lines, changes)
    server.expect_log('AH0163[01]|AH01631|KR0701')
    server.access_log = log
    for name in list(RULES) + ['for-admins.html', 'for-others.html']:
        file = server.dir / 'gate' / name
        if not name.endswith('.html'):
            file.mkdir(mode=0o755)
            file = file / 'index.html'
        file.write_text(f'this is {name}')
    yield server
    end(server)


def app(site, **traits):
    """A program with a session of somebody with these traits."""
    client = site.native()
    client.register(new_email(), **traits).must(200)
    return client


def status(site, client, place):
    return client.get(f'{site.gate}/{place}/').status


# -- rules --------------------------------------------------------------------------

@pytest.mark.parametrize('place, traits, expected', [
    ('admins', {'role': 'admin'}, 200), ('admins', {'role': 'Admin'}, 403), ('admins', {}, 403),
    ('admins-typed', {'role': 'admin'}, 200), ('admins-typed', {'role': 'guest'}, 403),
    ('adults', {'age': 42}, 200), ('adults', {'age': 17}, 403), ('adults', {'age': 142}, 403),
    ('staff', {'staff': True}, 200), ('staff', {'staff': False}, 403),
    ('editors', {'groups': ['readers', 'chiefs']}, 200), ('editors', {'groups': ['readers']}, 403), ('editors', {'groups': []}, 403),
    ('germans', {'address': {'country': 'AT'}}, 200), ('germans', {'address': {'country': 'FR'}}, 403),
    ('people', {}, 200), ('robots', {}, 403), ('strong', {}, 403),
    ('all', {'role': 'admin', 'staff': True}, 200), ('all', {'role': 'admin'}, 403),
    ('any', {'staff': True}, 200), ('any', {'role': 'guest'}, 403),
    ('none', {'role': 'admin'}, 403), ('none', {'role': 'guest'}, 200),
    ('not', {'role': 'admin'}, 403), ('not', {}, 200),
    ('explodes', {'nick': 'a' * 60 + '!'}, 403), ('explodes', {'nick': 'aaa'}, 200),
])
def test_a_rule_lets_in_whom_it_names(site, place, traits, expected):
    assert status(site, app(site, **traits), place) == expected


@pytest.mark.parametrize('place', [name for name in RULES if name not in ('optional', 'open-app', 'if', 'header')])
def test_no_rule_lets_anybody_in_without_a_session(site, place):
    answer = site.native().get(f'{site.gate}/{place}/')
    assert answer.status == 401 and answer.json['error']['code'] == 401
    assert site.browser().get(f'{site.gate}/{place}/').status == (401 if place == 'never-redirect' else 303)


def test_a_program_without_the_right_gets_403_and_json(site):
    answer = app(site).get(site.gate + '/admins/')
    assert answer.status == 403 and answer.json['error']['code'] == 403 and answer.json['error']['reason']
    assert answer.header('Cache-Control') == 'no-store' and not answer.header('WWW-Authenticate')


def test_a_person_without_the_right_gets_a_page_and_no_redirect(site):
    person = site.browser()
    person.register(new_email(), role='guest').must(303)
    answer = person.get(site.gate + '/admins/')
    assert answer.status == 403 and answer.header('Content-Type').startswith('text/html')


@pytest.mark.parametrize('lines, words', [
    ('Require kratos-aal aal3', 'aal1 or aal2'),
    ('Require kratos-verified fax', 'email and phone'),
    ('Require kratos-identity ana', 'ana'),
    ('Require kratos-trait role', 'one or more values'),
    ('Require kratos-trait role /(/', 'regular expression'),
    ('Require kratos-schema', 'schemas'),
    ('Require kratos-session now', 'no arguments'),
    ('KratosExport passwords', 'no field'),
    ('KratosExport "a b=id"', 'makes no name'),
    ('KratosExportToken Perhaps', 'On or Off'),
    ('KratosUpgradeCheck -1', 'seconds'),
])
def test_a_wrong_line_stops_httpd_with_the_reason(request, lines, words):
    flags = ['check'] + (['san'] if request.config.getoption('--san') else [])
    where = f'<Location "/x">\n{lines}\n</Location>\n'
    server = Server(base(1), gate=True, flags=flags, lines={'gate_extra': where}, wait=False)
    try:
        assert server.proc.wait(20) != 0
        assert words in server.log()
    finally:
        server.announced.append(re.compile('.'))
        server.stop()


# -- what somebody can mend ------------------------------------------------------------

def test_an_unverified_person_is_led_to_verification_and_back(site, mailbox):
    person, email = site.browser(), new_email()
    person.register(email).must(303)
    away = person.get(site.gate + '/verified/?x=1').must(303)
    assert away.location.startswith(site.url + '/self-service/verification/browser?')
    assert parse_qs(urlsplit(away.location).query)['return_to'] == [site.gate + '/verified/?x=1']
    flow = person.fetch('verification', person.get(away.location).must(303).flow_id).must(200)
    sent = person.submit('verification', flow, {'method': 'code', 'email': email}).must(303)
    flow = person.fetch('verification', sent.flow_id).must(200)
    code = re.search(r'\b\d{6}\b', mailbox.wait(email, VERIFICATION, 2).text).group()
    person.submit('verification', flow, {'method': 'code', 'code': code}).must(303)
    flow = person.fetch('verification', sent.flow_id).must(200)
    link = next(n['attributes']['href'] for n in flow.json['ui']['nodes'] if n['type'] == 'a')
    assert link == site.gate + '/verified/?x=1'
    assert person.get(site.gate + '/verified/').status == 200


def test_an_address_of_the_house_counts_once_it_is_verified(site, mailbox):
    """Whatever somebody writes into their traits, and whatever other address of theirs is verified."""
    person, email = site.browser(), new_email().replace('example.org', 'house.example')
    person.register(email).must(303)
    away = person.get(site.gate + '/house/').must(303)
    assert away.location.startswith(site.url + '/self-service/verification/browser?')
    flow = person.fetch('verification', person.get(away.location).must(303).flow_id).must(200)
    sent = person.submit('verification', flow, {'method': 'code', 'email': email}).must(303)
    flow = person.fetch('verification', sent.flow_id).must(200)
    code = re.search(r'\b\d{6}\b', mailbox.wait(email, VERIFICATION, 2).text).group()
    person.submit('verification', flow, {'method': 'code', 'code': code}).must(303)
    assert person.get(site.gate + '/house/').status == 200
    stranger = site.browser()
    stranger.register(new_email()).must(303)
    assert stranger.get(site.gate + '/house/').status == 403        # no other address to verify: nothing to be sent to


def test_traits_are_the_owners_where_nobody_may_edit_them(serve_sqlite):
    """As docs/gate.md says: without the profile method and sign-up, they are what kratosctl writes, whatever is sent."""
    server = serve_sqlite({'selfservice': {'methods': {'profile': {'enabled': False}}, 'flows': {'registration': {'enabled': False}}}})
    email = new_email()
    server.ctl.create(email, PASSWORD)
    app = server.native()
    app.login(email).must(200)
    flow = app.init('settings').must(200)
    app.submit('settings', flow, {'method': 'profile', 'traits': {'email': email, 'name': 'admin'}})
    app.submit('settings', flow, {'method': 'password', 'password': PASSWORD + '-2', 'traits': {'email': email, 'name': 'admin'}})
    assert app.session()['identity']['traits'] == {'email': email}
    assert server.native().init('registration').status >= 400


def test_an_unverified_program_is_told_where_to_go(site):
    answer = app(site).get(site.gate + '/verified/')
    assert answer.status == 403 and answer.json['error']['id'] == 'session_verified_address_required'
    assert '/self-service/verification/browser' in answer.json['redirect_browser_to']


# -- a gate that does not see the session -----------------------------------------------

def test_a_bounce_ends_with_an_explanation(site):
    person = site.browser()
    person.register(new_email()).must(303)
    kept, url, hops = dict(person.cookies), site.gate + '/session/', 0
    while hops < 20:
        person.cookies = {} if url.startswith(site.gate) else {**kept, **person.cookies}
        answer = person.get(url)
        kept.update(person.cookies)
        hops += 1
        if answer.status != 303 or answer.location.startswith(UI):
            break
        url = answer.location
    assert answer.status == 303 and answer.location.startswith(UI + '/error?id=') and hops <= 8
    said = site.native().get('/self-service/errors?id=' + parse_qs(urlsplit(answer.location).query)['id'][0]).must(200).json['error']
    assert 'cookie' in said['reason'] and urlsplit(site.gate).netloc in said['reason']
    assert said['details']['return_to'] == site.gate + '/session/'
    person.cookies = kept                    # once the cookie is let through all is well again
    assert person.get(site.gate + '/session/').status == 200


def test_two_tabs_that_were_sent_away_before_the_sign_in_come_back(site):
    person, email = site.browser(), new_email()
    site.native().register(email).must(200)
    tabs = [person.get(f'{site.gate}/session/?tab={n}').must(303).location for n in range(5)]
    person.login(email).must(303)
    for n, tab in enumerate(tabs):
        assert person.get(tab).must(303).location == f'{site.gate}/session/?tab={n}'


# -- optional login -----------------------------------------------------------------------

def test_where_all_are_granted_who_is_signed_in_is_known(site):
    client = app(site)
    assert of_kratos(site.native().get(site.gate + '/optional/')) == {}
    assert of_kratos(client.get(site.gate + '/optional/'))['x-kratos-identity-id'] == client.session()['identity']['id']
    assert of_kratos(site.native().get(site.gate + '/optional/', headers={'X-Session-Token': 'ory_st_' + 'x' * 32})) == {}


# -- what the application is told ------------------------------------------------------------

def test_chosen_fields_reach_the_application(site):
    client = app(site, nick='Zoë 100%', groups=['a', 'b'])
    session = client.session()
    assert of_kratos(client.get(site.gate + '/exports/')) == {
        'x-kratos-traits-email': session['identity']['traits']['email'], 'x-kratos-nick': 'Zo%C3%AB 100%25',
        'x-kratos-traits-groups': '["a","b"]'}
    assert of_kratos(client.get(site.gate + '/exports-none/')) == {}


@pytest.mark.parametrize('nick', ['a\r\nX-Kratos-Identity-Id: x', 'a\nb', 'tab\there', '\x7f', '\x01'])
def test_a_hostile_trait_makes_no_header(site, nick):
    client = app(site, nick=nick)
    answer = client.get(site.gate + '/exports/')
    assert 'x-kratos-nick' not in of_kratos(answer) and 'x-kratos-identity-id' not in of_kratos(answer)


def test_the_user_may_be_a_trait_and_nobody_goes_without_one(site):
    client = app(site, nick='zoe')
    assert dict(client.get(site.gate + '/as-nick/').must(200).json)['x-user'] == 'zoe'
    assert status(site, app(site), 'as-nick') == 403
    assert status(site, app(site, nick='a\nb'), 'as-nick') == 403


def test_the_signed_token_can_be_checked_by_the_published_key(site, tmp_path):
    client = app(site)
    token = of_kratos(client.get(site.gate + '/signed/'))['x-kratos-token']
    keys = site.native().get('/.well-known/jwks.json').must(200).json['keys']
    check = tmp_path / 'check.js'
    check.write_text('''
        const { createPublicKey, verify } = require('node:crypto');
        const [token, keys] = [process.argv[2], JSON.parse(process.argv[3])];
        const [head, body, tag] = token.split('.');
        const header = JSON.parse(Buffer.from(head, 'base64url'));
        const key = createPublicKey({ key: keys.find(k => k.kid === header.kid), format: 'jwk' });
        const good = verify('sha256', Buffer.from(head + '.' + body), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(tag, 'base64url'));
        console.log(JSON.stringify({ good, header, claims: JSON.parse(Buffer.from(body, 'base64url')) }));''')
    out = subprocess.run(['node', check, token, json.dumps(keys)], check=True, capture_output=True, text=True).stdout
    checked, session = json.loads(out), client.session()
    assert checked['good'] and checked['header']['alg'] == 'ES256'
    claims = checked['claims']
    assert claims['sub'] == session['identity']['id'] and claims['sid'] == session['id'] and claims['aal'] == 'aal1'
    assert claims['aud'] == 'https://app.example.org' and claims['iss'].rstrip('/') == site.url
    assert claims['exp'] - claims['iat'] == 60
    assert all('d' not in key for key in keys)


# -- what is kept from it ---------------------------------------------------------------------

def test_a_proxied_application_does_not_get_the_session(site):
    person = site.browser()
    person.register(new_email()).must(303)
    person.cookies['theme'] = 'dark'
    for place, kept in (('app', False), ('trusted-app', True), ('open-app', True)):
        cookies = dict(person.get(f'{site.gate}/{place}/').must(200).json).get('cookie', '')
        assert 'theme=dark' in cookies and ('ory_kratos_session' in cookies) == kept, place
    client = app(site)
    assert 'x-session-token' not in dict(client.get(site.gate + '/app/').must(200).json)
    bearer = {'X-Session-Token': None, 'Authorization': f'Bearer {client.token}'}
    assert 'authorization' not in dict(client.get(site.gate + '/app/', headers=bearer).must(200).json)
    own = {'Authorization': 'Basic YTpi'}
    assert dict(client.get(site.gate + '/app/', headers=own).must(200).json)['authorization'] == 'Basic YTpi'


# -- expressions and logs -----------------------------------------------------------------------

def test_expressions_see_the_session(site):
    admin, guest, nobody = app(site, role='admin'), app(site, role='guest'), site.native()
    assert admin.get(site.gate + '/if/').header('X-Seen') == 'admin'
    assert guest.get(site.gate + '/if/').header('X-Seen') is None
    assert admin.get(site.gate + '/header/').header('X-Aal') == 'aal1'
    assert not nobody.get(site.gate + '/header/').header('X-Aal')
    assert b'for-admins' in admin.get(site.gate + '/by-role').must(200).body
    assert b'for-others' in guest.get(site.gate + '/by-role').must(200).body
    assert nobody.get(site.gate + '/by-role').status == 401


def test_the_access_log_says_who_it_was_and_what_became_of_it(site):
    client = app(site)
    session = client.session()
    seen = site.access_log.read_text().count('\n')
    client.get(site.gate + '/session/index.html').must(200)
    client.get(site.gate + '/session/').must(200)
    client.get(site.gate + '/admins/index.html')
    site.native().get(site.gate + '/session/index.html')
    site.browser().get(site.gate + '/verified/')
    who = f'{session["identity"]["id"]} {session["identity"]["id"]} {session["id"]} aal1'
    wait_for(lambda: site.access_log.read_text().count('\n') >= seen + 5)       # httpd writes a line after the answer, in its own time
    assert sorted(site.access_log.read_text().splitlines()[seen:]) == sorted([
        f'{who} granted /session/index.html', f'{who} granted /session/index.html',
        f'{who} forbidden /admins/index.html', '- - - - no-session /session/index.html', '- - - - no-session /verified/'])
