# SPDX-License-Identifier: Apache-2.0
"""Signing in by password, for people, scripts in pages, and apps."""
from urllib.parse import parse_qs, urlsplit

import pytest

from lib.clients import PASSWORD, WRONG, error_id, messages, new_email
from lib.settings import UI

pytestmark = pytest.mark.san


@pytest.fixture
def email(server):
    """Somebody who has an account."""
    email = new_email()
    server.native().register(email).must(200)
    return email


def test_the_right_password_gives_a_session(server, kind, email):
    client = server.client(kind)
    client.login(email).must(200, 303)
    session = client.session()
    assert session['active'] and session['identity']['traits']['email'] == email
    assert [m['method'] for m in session['authentication_methods']] == ['password']


def test_a_browser_is_sent_on_with_its_cookie(server, email):
    answer = server.browser().login(email)
    assert answer.status == 303 and answer.location == UI + '/'
    assert 'ory_kratos_session=' in ''.join(v for k, v in answer.headers if k == 'Set-Cookie')


def test_a_native_client_gets_a_token_and_no_cookie(server, email):
    answer = server.native().login(email)
    assert answer.json['session_token'].startswith('ory_st_')
    assert answer.header('Set-Cookie') is None


def test_an_ajax_client_gets_a_cookie_and_no_token(server, email):
    answer = server.ajax().login(email).must(200)
    assert 'session_token' not in answer.json
    assert answer.header('Set-Cookie')


def test_a_wrong_password_is_told_on_the_form(server, kind, email):
    client = server.client(kind)
    flow = client.start('login')
    answer = client.step('login', flow, {'method': 'password', 'identifier': email, 'password': WRONG})
    assert 4000006 in messages(answer)
    assert answer.node('identifier') == email and answer.node('password') is None
    assert client.whoami().status == 401


def test_an_unknown_address_is_answered_as_a_wrong_password(server, kind, email):
    def shape(who):
        client = server.client(kind)
        answer = client.step('login', client.start('login'), {'method': 'password', 'identifier': who, 'password': WRONG})
        return answer.status, messages(answer), [n['attributes'].get('name') for n in answer.json['ui']['nodes']]
    assert shape(email) == shape(new_email('nobody'))


def test_addresses_are_the_same_in_any_case_and_with_blanks_around(server, email):
    assert server.native().login(f'  {email.upper()} ').status == 200


def test_signing_in_again_leads_on_without_a_new_session(server, kind, email):
    client = server.client(kind)
    client.login(email)
    answer = client.init('login')
    if kind == 'browser':
        assert answer.status == 303 and answer.location == UI + '/'
    else:
        assert answer.status == 400 and error_id(answer) == 'session_already_available'


# -- refresh ---------------------------------------------------------------------

def test_a_refresh_keeps_the_session_and_an_app_its_token(server, email):
    client = server.native()
    client.login(email)
    before, old_token = client.session(), client.token
    client.login(email, refresh='true').must(200)
    after = client.session()
    assert after['id'] == before['id'] and client.token == old_token
    assert after['authenticated_at'] > before['authenticated_at']
    assert [m['method'] for m in after['authentication_methods']] == ['password', 'password']


def test_a_refresh_by_cookie_renews_the_cookie(server, email):
    client = server.ajax()
    client.login(email)
    before = client.cookie('ory_kratos_session')
    client.login(email, refresh='true').must(200)
    assert client.cookie('ory_kratos_session') != before


def test_a_refresh_as_somebody_else_is_a_session_of_its_own(server, email):
    other = new_email('ben')
    server.native().register(other).must(200)
    client = server.native()
    client.login(email)
    mine = client.session()['id']
    flow = client.start('login', {'refresh': 'true'})
    answer = client.submit('login', flow, {'method': 'password', 'identifier': other, 'password': PASSWORD}).must(200)
    assert answer.json['session']['id'] != mine
    assert answer.json['session']['identity']['traits']['email'] == other


# -- return_to -------------------------------------------------------------------

@pytest.mark.parametrize('return_to', [
    UI + '/deep?x=1',
    'https://app.example.org/welcome/back',
    'https://a.wild.example.org/',
    'https://a.b.wild.example.org/',
    '/relative',
])
def test_an_allowed_return_to_is_where_people_arrive(server, email, return_to):
    client = server.browser()
    answer = client.login(email, return_to=return_to)
    assert answer.status == 303
    assert answer.location == (UI + return_to if return_to.startswith('/') else return_to)


TRICKS = [
    'https://evil.example/',
    'https://app.example.org.evil.example/welcome',
    'https://app.example.org@evil.example/welcome',
    'https://evil.example/https://app.example.org/welcome',
    'https://evil.example#https://app.example.org/welcome',
    'https://evil.example\\@app.example.org/welcome',
    'https://app.example.org/other',
    'http://app.example.org/welcome',
    'https://wild.example.org/',
    'https://evilwild.example.org/',
    'https://a.wild.example.org.evil.example/',
    'https://app.example.org:8443/welcome',
    '//evil.example/',
    '///evil.example/',
    '/\\evil.example/',
    '\\\\evil.example/',
    'javascript:alert(1)',
    'data:text/html,x',
    'http:evil.example',
    'http:///evil.example/',
    ' https://evil.example/',
    'https://app.example.org/welcome\r\nSet-Cookie: x=y',
    'https://app.example.org\t.evil.example/welcome',
    'http://127.0.0.1:15455.evil.example/',
    'http://127.0.0.1:154550/',
    'https://%61pp.example.org@evil.example/welcome',
]


@pytest.mark.parametrize('return_to', TRICKS)
def test_no_trick_leads_out_of_the_allowed_list(server, return_to):
    client = server.ajax()
    for path in ('/self-service/login/browser', '/self-service/registration/browser', '/self-service/login/api'):
        answer = client.get(path, {'return_to': return_to})
        assert answer.status == 400, f'{path} took it'
        assert error_id(answer) in (None, 'self_service_flow_return_to_forbidden')     # None: it is no URL at all


def test_a_browser_with_a_forbidden_return_to_sees_the_error_page(server):
    client = server.browser()
    answer = client.get('/self-service/login/browser', {'return_to': 'https://evil.example/'})
    assert answer.status == 303 and answer.location.startswith(UI + '/error?id=')
    shown = client.get('/self-service/errors', parse_qs(urlsplit(answer.location).query)).must(200)
    assert shown.json['error']['id'] == 'self_service_flow_return_to_forbidden'


# -- expiry ----------------------------------------------------------------------

def test_an_expired_flow_offers_a_fresh_one(serve, kind):
    server = serve({'selfservice': {'flows': {'login': {'lifespan': '1m'}}}}, clock=True)
    email = new_email()
    server.native().register(email).must(200)
    client = server.client(kind)
    flow = client.start('login', {'return_to': UI + '/deep'})
    server.clock.forward(61)

    gone = client.fetch('login', flow.flow_id)
    assert gone.status == 410 and error_id(gone) == 'self_service_flow_expired'

    answer = client.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD})
    if kind == 'browser':
        assert answer.status == 303
        fresh = client.fetch('login', answer.flow_id).must(200)
    else:
        assert answer.status == 410 and error_id(answer) == 'self_service_flow_expired'
        fresh = client.fetch('login', answer.json['use_flow_id']).must(200)
    assert fresh.flow_id != flow.flow_id
    assert messages(fresh) == [4010001]
    assert 'return_to=' in fresh.json['request_url']
    done = client.submit('login', fresh, {'method': 'password', 'identifier': email, 'password': PASSWORD})
    assert done.status in (200, 303)


# -- anti-CSRF -------------------------------------------------------------------

@pytest.mark.parametrize('token', [None, '', 'bm90IGEgdG9rZW4=', 'A' * 88])
def test_a_form_without_the_right_token_is_refused(server, email, token):
    client = server.ajax()
    flow = client.start('login')
    data = {'method': 'password', 'identifier': email, 'password': PASSWORD}
    answer = client.submit('login', flow, data, csrf=token if token is not None else False)
    assert answer.status == 403 and error_id(answer) == 'security_csrf_violation'
    assert client.whoami().status == 401


def test_a_token_of_another_browser_is_refused(server, email):
    mine, theirs = server.ajax(), server.ajax()
    flow, foreign = mine.start('login'), theirs.start('login')
    data = {'method': 'password', 'identifier': email, 'password': PASSWORD}
    answer = mine.submit('login', flow, data, csrf=foreign.csrf)
    assert answer.status == 403 and error_id(answer) == 'security_csrf_violation'


def test_a_flow_of_another_browser_can_not_be_read(server):
    flow = server.ajax().start('login')
    answer = server.ajax().fetch('login', flow.flow_id)
    assert answer.status == 403 and error_id(answer) == 'security_csrf_violation'


def test_the_token_in_the_form_changes_and_the_cookie_does_not(server):
    client = server.ajax()
    first = client.start('login')
    cookie = client.cookie('csrf_token_')
    second = client.start('login')
    assert first.csrf != second.csrf and client.cookie('csrf_token_') == cookie


@pytest.mark.parametrize('headers', [{'Origin': 'https://evil.example'}, {'Cookie': 'a=b'}])
def test_a_native_flow_sent_by_a_browser_is_refused(server, email, headers):
    client = server.native()
    flow = client.start('login')
    answer = client.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD}, headers=headers)
    assert answer.status == 400 and messages(answer) == [4000001]


# -- the identifier first ---------------------------------------------------------

def test_identifier_first_asks_for_the_password_next(serve, kind):
    server = serve({'selfservice': {'flows': {'login': {'style': 'identifier_first'}}}})
    email = new_email()
    server.native().register(email).must(200)
    client = server.client(kind)
    flow = client.start('login')
    assert flow.node('password') is None and flow.node('method') == 'identifier_first'
    second = client.step('login', flow, {'method': 'identifier_first', 'identifier': email})
    assert any(n['attributes'].get('name') == 'password' for n in second.json['ui']['nodes'])
    done = client.submit('login', second, {'method': 'password', 'identifier': email, 'password': PASSWORD})
    assert done.status in (200, 303)


def test_with_mitigation_identifier_first_does_not_tell_who_exists(serve, kind):
    server = serve({'selfservice': {'flows': {'login': {'style': 'identifier_first'}}},
                    'security': {'account_enumeration': {'mitigate': True}}})
    email = new_email()
    server.native().register(email).must(200)

    def shape(who):
        client = server.client(kind)
        answer = client.step('login', client.start('login'), {'method': 'identifier_first', 'identifier': who})
        return answer.status, messages(answer), [(n['group'], n['attributes'].get('name')) for n in answer.json['ui']['nodes']]
    assert shape(email) == shape(new_email('nobody'))


def test_without_mitigation_identifier_first_says_that_nobody_is_there(serve):
    server = serve({'selfservice': {'flows': {'login': {'style': 'identifier_first'}}}})
    client = server.ajax()
    answer = client.submit('login', client.start('login'), {'method': 'identifier_first', 'identifier': new_email('nobody')})
    assert answer.status == 400 and 4000037 in messages(answer)
