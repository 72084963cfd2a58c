# SPDX-License-Identifier: Apache-2.0
"""The gate: another site, of which only those who are signed in see anything."""
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import end, start_gate
from lib.backends import of_kratos
from lib.clients import HTML, PASSWORD, new_email
from lib.gate import add_pages

pytestmark = pytest.mark.san


PLACES = '''
<Location "/app">
    Require kratos-session
    ProxyPass "http://127.0.0.1:{backend}/app"
</Location>
<Location "/open">
    Require all granted
    ProxyPass "http://127.0.0.1:{backend}/open"
</Location>
<Location "/old">
    AuthType Kratos
    AuthName "whatever"
    Require valid-user
    ProxyPass "http://127.0.0.1:{backend}/old"
</Location>
<Location "/always-redirect">
    KratosUnauthenticated redirect
</Location>
<Location "/never-redirect">
    KratosUnauthenticated 401
</Location>
<Location "/guests">
    <RequireAll>
        Require all granted
        Require not kratos-session
    </RequireAll>
</Location>
<Location "/either">
    <RequireAny>
        Require kratos-session
        Require expr %{{HTTP:X-Robot}} == 'yes'
    </RequireAny>
</Location>
<Location "/cgi">
    Require kratos-session
    Options +ExecCGI
    SetHandler cgi-script
</Location>
'''


@pytest.fixture(scope='module')
def site(request, database, backend):
    server = start_gate(request, database, PLACES.format(backend=backend.port))
    add_pages(server, 'guests', 'either', 'always-redirect', 'never-redirect')
    yield server
    end(server)


@pytest.fixture
def person(site):
    """Somebody signed in, by cookie. Cookies know no ports, so the gate gets it, too."""
    client = site.browser()
    client.register(new_email()).must(303)
    return client


@pytest.fixture
def app(site):
    """A program with a session token."""
    client = site.native()
    client.register(new_email()).must(200)
    return client


# -- who is let through -----------------------------------------------------------

def test_static_files_are_shown_to_who_is_signed_in(site, person, app):
    assert b'You are signed in' in person.get(site.gate + '/').must(200).body
    assert b'You are signed in' in app.get(site.gate + '/').must(200).body
    assert app.get(site.gate + '/', headers={'X-Session-Token': None, 'Authorization': f'Bearer {app.token}'}).status == 200


@pytest.mark.parametrize('path', ['/', '/index.html', '/app/x', '/old', '/nowhere', '//', '/./index.html', '/%69ndex.html',
                                  '/app/../index.html', '/guests/../index.html'])
def test_a_program_without_a_session_gets_401_and_json(site, path):
    answer = site.native().get(site.gate + path)
    assert answer.status == 401 and answer.header('Content-Type').startswith('application/json')
    assert answer.json['error']['code'] == 401
    assert answer.header('Cache-Control') == 'no-store' and answer.header('WWW-Authenticate')


def test_after_logout_the_gate_is_shut(site, person):
    assert person.get(site.gate + '/').status == 200
    kept = dict(person.cookies)
    person.logout()
    person.cookies = kept
    assert person.get(site.gate + '/').status == 303


@pytest.mark.parametrize('method', ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
def test_other_methods_are_not_redirected(site, method):
    answer = site.browser().request(method, site.gate + '/app/form', raw=b'a=b', content_type='application/x-www-form-urlencoded')
    assert answer.status == 401


def test_rules_may_be_combined(site, person):
    site.expect_log('AH01630')              # httpd says when it denies
    nobody = site.native()
    assert nobody.get(site.gate + '/either/', headers={'X-Robot': 'yes'}).status == 200
    assert nobody.get(site.gate + '/either/').status == 401
    assert person.get(site.gate + '/either/').status == 200
    assert nobody.get(site.gate + '/guests/').status == 200
    assert person.get(site.gate + '/guests/').status in (401, 403)


# -- people are sent to the login and come back --------------------------------------

@pytest.mark.parametrize('path', ['/', '/a/b.html?x=1&y=%26%20z', '/app/%C3%A4?q=a+b', '/old?return_to=https://evil.example/'])
def test_a_person_comes_back_to_the_exact_page(site, path):
    person, email = site.browser(), new_email()
    site.native().register(email).must(200)
    away = person.get(site.gate + path)
    assert away.status == 303 and away.header('Cache-Control') == 'no-store'
    assert away.location.startswith(site.url + '/self-service/login/browser?return_to=')
    assert parse_qs(urlsplit(away.location).query)['return_to'] == [site.gate + path]

    login = person.get(away.location).must(303)
    flow = person.fetch('login', login.flow_id).must(200)
    done = person.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD})
    assert done.status == 303 and done.location == site.gate + path


@pytest.mark.parametrize('headers, status', [
    ({'Accept': HTML}, 303),
    ({'Accept': HTML, 'Sec-Fetch-Mode': 'navigate'}, 303),
    ({'Accept': '*/*', 'Sec-Fetch-Mode': 'cors'}, 401),
    ({'Accept': HTML, 'Sec-Fetch-Mode': 'no-cors'}, 401),
    ({'Accept': '*/*'}, 401),
    ({'Accept': 'application/json'}, 401),
    ({'Accept': None}, 401),
])
def test_people_are_told_from_programs(site, headers, status):
    assert site.browser().get(site.gate + '/', headers=headers).status == status


def test_the_administrator_may_decide(site):
    assert site.native().get(site.gate + '/always-redirect/').status == 303
    assert site.browser().get(site.gate + '/never-redirect/').status == 401


@pytest.mark.parametrize('host', ['evil.example', 'evil.example:80', '127.0.0.1:1@evil.example', 'a"b', '[::1'])
def test_a_forged_host_does_not_lead_people_away(site, host):
    person, email = site.browser(), new_email()
    site.native().register(email).must(200)
    away = person.get(site.gate + '/', headers={'Host': host, 'X-Forwarded-Host': host})
    assert away.status in (303, 400)
    if away.status == 303:
        answer = person.get(away.location)
        assert answer.status == 303 and '/error?id=' in answer.location


# -- what the application is told ------------------------------------------------------

def test_the_application_is_told_who_is_there(site, app):
    session = app.session()
    for path in ('/app/x?y=1', '/old/x'):
        headers = of_kratos(app.get(site.gate + path))
        assert headers['x-kratos-identity-id'] == session['identity']['id']
        assert headers['x-kratos-session-id'] == session['id']
        assert headers['x-kratos-aal'] == 'aal1'


FORGED = ['X-Kratos-Identity-Id', 'x-kratos-identity-id', 'X_Kratos_Identity_Id', 'X-Kratos_Identity-Id', 'X.Kratos.Identity.Id',
          'X-KRATOS-ADMIN', 'x_kratos_session_id', 'X-Kratos-', 'X~Kratos~Identity~Id']


@pytest.mark.parametrize('path', ['/app/x', '/old/x', '/open/x'])
@pytest.mark.parametrize('name', FORGED)
def test_what_a_client_says_about_itself_never_arrives(site, app, path, name):
    answer = app.get(site.gate + path, headers={name: 'forged'})
    assert answer.status == 400 or 'forged' not in [v for _, v in answer.must(200).json]


def test_a_forged_header_given_twice_never_arrives(site, app):
    import http.client
    port = urlsplit(site.gate).port
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
    connection.putrequest('GET', '/app/x')
    for name, value in (('X-Session-Token', app.token), ('X-Kratos-Identity-Id', 'forged'), ('x-kratos-identity-id', 'forged'),
                        ('Connection', 'X-Kratos-Identity-Id')):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    headers = json.loads(answer.read())
    connection.close()
    assert [v for k, v in headers if k == 'x-kratos-identity-id'] in ([app.session()['identity']['id']], [])
    assert 'forged' not in [v for _, v in headers]


def test_a_script_gets_the_user_in_its_environment(site, app):
    script = site.dir / 'gate' / 'cgi'
    script.write_text('#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nenv\n')
    script.chmod(0o755)
    lines = app.get(site.gate + '/cgi').must(200).body.decode().splitlines()
    identity = app.session()['identity']['id']
    assert f'REMOTE_USER={identity}' in lines and f'KRATOS_IDENTITY_ID={identity}' in lines
    assert 'AUTH_TYPE=Kratos' in lines and 'KRATOS_AAL=aal1' in lines


def test_answers_for_some_are_not_kept_for_all(site, app):
    assert 'private' in app.get(site.gate + '/').header('Cache-Control')
