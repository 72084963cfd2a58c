# SPDX-License-Identifier: Apache-2.0
"""Sign-ins that an OAuth2 server waits for: challenges are asked for, kept, handed on and answered. What was recorded of a real Kratos
is played by t/conformance; here stand its neighbours."""
import threading
import time

import pytest

from lib.account import account, member
from lib.clients import PASSWORD, WRONG, error_id, messages, new_email
from lib.factors import FACTORS, enrol
from lib.hydra import behind
from lib.provider import social
from lib.provider import person as claims
from lib.settings import UI, inline, merge, nested

LOGIN = '/self-service/login/browser'


@pytest.fixture(scope='module')
def server(request, database, hydra, post, provider):
    """People sign in by password, by code and with another site; there is a second factor, and who has it is asked for it."""
    from conftest import end, start
    letter = nested('courier.templates.login_code.valid.email.body.plaintext',
                    inline('{{ .LoginCode }} for {{ .OAuth2LoginRequest.client.client_name }}, {{ .OAuth2LoginRequest.challenge }}'))
    tree = FACTORS
    for more in (account(uri=post.uri, code={'identifier': True, 'via': 'email'}), nested('selfservice.methods.code.passwordless_enabled', True),
                 letter, social(provider.conf()), behind(hydra), nested('session.whoami.required_aal', 'highest_available')):
        tree = merge(tree, more)
    server = start(request, database, tree, clock=True, flags=['nonce'])
    yield server
    end(server)


@pytest.fixture(params=['browser', 'ajax'])
def kind(request):
    return request.param


def begin(client, query, flow='login'):
    """A flow that begins with that challenge."""
    return client.start(flow, query).must(200)


def give(client, flow, email, password=PASSWORD):
    return client.submit('login', flow, {'method': 'password', 'identifier': email, 'password': password})


def leads(answer):
    """Where an answer leads a browser, whichever kind of client got it."""
    if answer.status == 422:
        assert error_id(answer) == 'browser_location_change_required'
        return answer.json['redirect_browser_to']
    return answer.must(303).location


def follow(client, url):
    """Goes where an answer led; the flow that begins there."""
    begun = client.get(url).must(200, 303)
    return client.fetch('login', begun.flow_id).must(200)


def gives_session(answer):
    return any(k.lower() == 'set-cookie' and v.startswith('ory_kratos_session=') for k, v in answer.headers)


# -- the challenge ---------------------------------------------------------------------

@pytest.mark.parametrize('flow', ['login', 'registration'])
def test_a_challenge_as_long_as_the_real_ones_is_kept_whole(server, hydra, kind, flow):
    query = hydra.ask('x' * 3000 + '~-_é%&=', requested_scope=['openid', 'email'])
    shown = begin(server.client(kind), {'a': 'b', **query, 'return_to': UI + '/in'}, flow).json
    assert shown['oauth2_login_challenge'] == query['login_challenge']
    assert shown['oauth2_login_request']['client'] == {'client_id': 'app', 'client_name': 'The App'}        # not its secret
    assert shown['oauth2_login_request']['requested_scope'] == ['openid', 'email']
    assert shown['request_url'].count('x' * 3000) == 1 and shown['return_to'] == UI + '/in'


@pytest.mark.rules
@pytest.mark.parametrize('value', ['', 'x' * 6001, b'\xff'])
def test_what_is_no_challenge_is_refused_unasked(server, hydra, value):
    calls = len(hydra.calls)
    assert server.ajax().init('login', {'login_challenge': value}).status == 400
    assert len(hydra.calls) == calls


def test_an_app_keeps_it_and_nobody_is_asked(server, hydra):
    calls = len(hydra.calls)
    for flow in ('login', 'registration'):
        shown = server.native().start(flow, {'login_challenge': 'any text'}).json
        assert shown['oauth2_login_challenge'] == 'any text' and 'oauth2_login_request' not in shown
    app, who = server.native(), member(server)
    answer = app.submit('login', app.start('login', hydra.ask()), {'method': 'password', 'identifier': who.email, 'password': PASSWORD})
    assert answer.must(200).json['session_token'] and len(hydra.calls) == calls


def test_the_server_is_asked_once_and_in_the_owners_way(server, hydra, kind):
    query, who, client = hydra.ask(), member(server), server.client(kind)
    flow = begin(client, query)
    give(client, flow, who.email, WRONG).must(303, 400)
    again = client.fetch('login', flow.flow_id).must(200)
    assert again.json['oauth2_login_challenge'] == query['login_challenge'] and 4000006 in messages(again)
    assert leads(give(client, again, who.email)) == hydra.way_on(query)
    assert hydra.count('GET', query) == hydra.count('PUT', query) == 1
    assert {h['X-Key'] for _, _, c, h in hydra.calls if c == query['login_challenge']} == {'s3cret'}


# -- where a flow leads to another ----------------------------------------------------------

def test_a_code_signs_in_for_it_and_the_letter_says_for_what(server, hydra, post, kind):
    who, query, client = member(server), hydra.ask(), server.client(kind)
    flow = client.step('login', begin(client, query), {'method': 'code', 'identifier': who.email})
    mail = post.wait(who.email, 'code to sign in')
    assert mail.text.strip().endswith(f'for The App, {query["login_challenge"]}')
    assert flow.json['oauth2_login_request']['client']['client_name'] == 'The App'
    answer = client.submit('login', flow, {'method': 'code', 'identifier': who.email, 'code': mail.code})
    assert leads(answer) == hydra.way_on(query) and hydra.told(query)['amr'] == ['code']


def test_a_second_factor_comes_in_between(server, hydra, kind):
    who = member(server)
    app, query, client = enrol(server, who), hydra.ask(), server.client(kind)
    answer = give(client, begin(client, {**query, 'return_to': UI + '/in'}), who.email)
    assert leads(answer).startswith(f'{server.url}{LOGIN}?aal=aal2&login_challenge={query["login_challenge"]}&return_to=')
    assert not hydra.told(query)
    flow = follow(client, leads(answer))
    assert flow.json['oauth2_login_challenge'] == query['login_challenge']
    answer = client.submit('login', flow, {'method': 'totp', 'totp_code': app.next()})
    assert leads(answer) == hydra.way_on(query)
    session = client.session()
    assert hydra.told(query) == {'subject': session['identity']['id'], 'identity_provider_session_id': session['id'],
                                 'remember': True, 'remember_for': 86400, 'amr': ['password', 'totp']}


def test_who_is_half_in_is_not_skipped(server, hydra, kind):
    who = member(server)
    enrol(server, who)
    half, query = server.client(kind), hydra.ask(skip=True)
    half.login(who.email)
    answer = half.init('login', query)
    assert not hydra.told(query)
    if kind == 'browser':
        assert leads(answer) == f'{server.url}{LOGIN}?aal=aal2&login_challenge={query["login_challenge"]}'


def test_a_form_that_expires_hands_it_on(server, hydra, kind):
    query, who, client = hydra.ask(), member(server), server.client(kind)
    flow = begin(client, {**query, 'return_to': UI + '/in'})
    server.clock.forward(3600)
    gone = client.fetch('login', flow.flow_id).must(410).json['error']['details']['redirect_to']
    assert f'login_challenge={query["login_challenge"]}' in gone
    answer = give(client, flow, who.email)
    new = answer.flow_id if kind == 'browser' else answer.must(410).json['use_flow_id']
    flow = client.fetch('login', new).must(200)
    assert flow.json['oauth2_login_challenge'] == query['login_challenge'] and flow.json['oauth2_login_request']['skip'] is False
    assert leads(give(client, flow, who.email)) == hydra.way_on(query)


def test_a_tab_whose_person_signed_in_elsewhere_still_ends_there(server, hydra, kind):
    query, who, client = hydra.ask(), member(server), server.client(kind)
    cookies = dict(client.cookies)
    flow = begin(client, query)
    cookies = dict(client.cookies)
    client.login(who.email).must(200, 303)
    client.cookies.update({k: v for k, v in cookies.items() if k.startswith('csrf')})       # the form was there before
    session = client.session()['id']
    assert leads(give(client, flow, who.email)) == hydra.way_on(query)
    assert hydra.told(query)['identity_provider_session_id'] == session


def test_another_person_may_confirm_a_sign_in_that_was_asked_for(server, hydra, kind):
    query, client, other = hydra.ask(), member(server, kind), member(server)
    flow = begin(client, query)
    assert flow.json['refresh'] is True
    answer = give(client, flow, other.email)
    assert leads(answer) == hydra.way_on(query)
    assert hydra.told(query)['subject'] == other.session()['identity']['id'] == client.session()['identity']['id']


# -- registration --------------------------------------------------------------------------

def sign_up(client, flow, email):
    return client.submit('registration', flow, {'method': 'password', 'password': PASSWORD, 'traits': {'email': email}})


def registered(answer, kind):
    """Where a sign-up leads."""
    if kind == 'browser':
        return answer.must(303).location
    return next(c['redirect_browser_to'] for c in answer.must(200).json['continue_with'] if c['action'] == 'redirect_browser_to')


def test_a_registration_ends_there(server, hydra, kind):
    query, client = hydra.ask(), server.client(kind)
    answer = sign_up(client, begin(client, query, 'registration'), new_email())
    assert registered(answer, kind) == hydra.way_on(query)
    assert hydra.told(query)['subject'] == client.session()['identity']['id']


@pytest.fixture(scope='module')
def no_session(request, database, hydra):
    from conftest import end, start
    hooks = nested('selfservice.flows.registration.after.password.hooks', [])
    server = start(request, database, merge(behind(hydra, override_return_to=True), merge(hooks, nested('selfservice.allowed_return_urls', [
        UI, hydra.url]))))
    yield server
    end(server)


def test_without_a_session_after_it_a_sign_in_follows(no_session, hydra, kind):
    query, client, email = hydra.ask(), no_session.client(kind), new_email()
    flow = begin(client, query, 'registration')
    assert flow.json['return_to'] == hydra.url + '/oauth2/auth?client_id=app'
    to = registered(sign_up(client, flow, email), kind)
    assert to.startswith(f'{no_session.url}{LOGIN}?login_challenge={query["login_challenge"]}') and not hydra.told(query)
    assert leads(give(client, follow(client, to), email)) == hydra.way_on(query)


@pytest.fixture(scope='module')
def verified(request, database, post, hydra):
    from conftest import end, start
    hooks = nested('selfservice.flows.registration.after.password.hooks', [{'hook': 'session'}, {'hook': 'show_verification_ui'}])
    server = start(request, database, merge(account(uri=post.uri), merge(behind(hydra), hooks)))
    yield server
    end(server)


def to_verify(server, hydra, post, kind):
    """Somebody who signed up and is asked for the code of their address: who, the query, where a script would go on, the flow, the code."""
    query, client, email = hydra.ask(), server.client(kind), new_email()
    answer = sign_up(client, begin(client, query, 'registration'), email)
    if kind == 'browser':
        flow_id, other = answer.must(303).flow_id, None
    else:
        flow_id = next(c['flow']['id'] for c in answer.must(200).json['continue_with'] if c['action'] == 'show_verification_ui')
        other = registered(answer, kind)
    assert not hydra.told(query)
    return client, query, other, client.fetch('verification', flow_id).must(200), post.wait(email).code


def verify(client, flow, code):
    return client.submit('verification', flow, {'method': 'code', 'code': code})


def continues(flow):
    return next(n['attributes']['href'] for n in flow.json['ui']['nodes'] if n['attributes'].get('id') == 'continue')


def test_where_an_address_is_verified_first_that_ends_there(verified, hydra, post, kind):
    client, query, other, flow, code = to_verify(verified, hydra, post, kind)
    if other:       # who does not want to wait for mail
        assert other == f'{verified.url}{LOGIN}?login_challenge={query["login_challenge"]}'
    verify(client, flow, '000000' if code != '000000' else '000001').must(200, 303)
    answer = verify(client, client.fetch('verification', flow.flow_id).must(200), code)
    assert (leads(answer) if kind == 'browser' else continues(answer)) == hydra.way_on(query)
    assert hydra.told(query)['identity_provider_session_id'] == client.session()['id']
    assert client.session()['identity']['verifiable_addresses'][0]['verified'] is True


def test_a_verification_that_begins_anew_hands_it_on(verified, hydra, post):
    client, query, _, flow, code = to_verify(verified, hydra, post, 'ajax')
    for _ in range(6):
        answer = verify(client, flow, '000000' if code != '000000' else '000001')
    assert answer.status == 410                     # too many: another flow has taken its place
    email = client.session()['identity']['traits']['email']
    new = client.fetch('verification', answer.json['use_flow_id']).must(200)
    new = client.submit('verification', new, {'method': 'code', 'email': email}).must(200)
    assert continues(verify(client, new, post.wait(email, count=2).code)) == hydra.way_on(query)


def test_in_another_browser_a_sign_in_comes_first(verified, hydra, post):
    client, query, _, flow, code = to_verify(verified, hydra, post, 'ajax')
    other = verified.ajax()
    answer = other.get('/self-service/verification', {'flow': flow.flow_id, 'code': code}).must(303)
    shown = other.fetch('verification', answer.flow_id).must(200)
    assert continues(verify(other, shown, code)) == f'{verified.url}{LOGIN}?login_challenge={query["login_challenge"]}'
    assert not hydra.told(query) and other.whoami().status == 401


def test_an_address_is_verified_whether_the_server_answers_or_not(verified, hydra, post):
    client, query, _, flow, code = to_verify(verified, hydra, post, 'ajax')
    hydra.bent = {'PUT': (500, {})}
    answer = verify(client, flow, code)
    hydra.bent = {}
    assert continues(answer) == f'{verified.url}{LOGIN}?login_challenge={query["login_challenge"]}'
    assert client.session()['identity']['verifiable_addresses'][0]['verified'] is True
    flow = follow(client, continues(answer))
    assert leads(give(client, flow, client.session()['identity']['traits']['email'])) == hydra.way_on(query)


# -- who is signed in already ----------------------------------------------------------------

def test_who_is_known_there_and_here_goes_straight_on(server, hydra):
    query, client = hydra.ask(skip=True), member(server, 'browser')
    assert leads(client.init('login', query)) == hydra.way_on(query)
    assert hydra.told(query)['identity_provider_session_id'] == client.session()['id']


def test_a_script_is_told_in_words(server, hydra):
    query, client = hydra.ask(skip=True), member(server, 'ajax')
    answer = client.init('login', query).must(400)
    assert error_id(answer) == 'session_already_available' and hydra.way_on(query) in answer.json['error']['reason']


def test_a_script_that_wants_to_sign_up_is_led_on_too(server, hydra):
    client = member(server, 'ajax')
    query = hydra.ask()
    assert leads(client.init('registration', query)) == f'{server.url}{LOGIN}?login_challenge={query["login_challenge"]}'
    query = hydra.ask(skip=True)
    assert leads(client.init('registration', query)) == hydra.way_on(query)


# -- what the server says ---------------------------------------------------------------------

@pytest.mark.parametrize('flow', ['login', 'registration'])
def test_a_challenge_that_was_answered_leads_back_to_the_server(server, hydra, kind, flow):
    query = hydra.ask()
    hydra.bent = {'GET': (410, {'redirect_to': 'http://127.0.0.1:1/begin?anew=1'})}
    answer = server.client(kind).init(flow, query)
    hydra.bent = {}
    assert leads(answer) == 'http://127.0.0.1:1/begin?anew=1'


@pytest.mark.parametrize('bent', [{'PUT': (410, {'redirect_to': 'http://127.0.0.1:1/anew'})},
                                  {'PUT': (409, {}), 'GET': (410, {'redirect_to': 'http://127.0.0.1:1/anew'})}])
def test_so_it_does_when_another_tab_answered_meanwhile(server, hydra, kind, bent):
    query, client, who = hydra.ask(), server.client(kind), member(server)
    flow = begin(client, query)
    hydra.bent = bent
    answer = give(client, flow, who.email)
    hydra.bent = {}
    assert leads(answer) == 'http://127.0.0.1:1/anew' and client.whoami().status == 200


def test_a_challenge_that_is_forgotten_meanwhile_is_told_so(server, hydra, kind):
    query, client, who = hydra.ask(), server.client(kind), member(server)
    flow = begin(client, query)
    del hydra.asked[query['login_challenge']]
    answer = give(client, flow, who.email)
    if kind == 'browser':
        assert leads(answer).startswith(UI + '/error?id=')
        answer = client.get('/self-service/errors', {'id': leads(answer).partition('id=')[2]}, accept='application/json').must(200)
    error = answer.json['error']
    assert error['code'] == 400 and error['details'] == {'oauth2_error_hint': 'no such challenge', 'status_code': 404}
    assert client.whoami().status == 200


ODD = {'an error': (500, {}), 'too many requests': (429, {}), 'a proxy that wants to know who asks': (401, {}), 'no JSON': (200, b'<html>'),
       'a list': (200, []), 'nothing': (204, b''), 'a redirect': (302, {'redirect_to': 'http://127.0.0.1:1/'}),
       'too much': (200, {'skip': False, 'redirect_to': 'http://127.0.0.1:1/', 'more': 'x' * 140000})}
ODD_REQUEST = {'no word on skip': (200, {'challenge': 'c'}), 'skip as text': (200, {'skip': 'false'}),
               'too much to keep': (200, {'skip': False, 'request_url': 'http://127.0.0.1/' + 'x' * 20000})}
ODD_WAY = {'no way on': (200, {}), 'a script': (200, {'redirect_to': 'javascript:alert(1)'}), 'half a URL': (200, {'redirect_to': '/oauth2/auth'}),
           'two lines': (200, {'redirect_to': 'http://127.0.0.1:1/\r\nX-A: b'}), 'no URL': (200, {'redirect_to': ['http://127.0.0.1:1/']})}


@pytest.mark.san
@pytest.mark.rules
@pytest.mark.parametrize('odd', [*ODD, *ODD_REQUEST])
def test_no_flow_begins_by_an_answer_that_cannot_be_used(server, hydra, kind, odd):
    query, client = hydra.ask(), server.client(kind)
    hydra.bent = {'GET': {**ODD, **ODD_REQUEST}[odd]}
    answer = client.init('login', query)
    hydra.bent = {}
    assert answer.status == 503 and int(answer.header('Retry-After')) > 0
    begin(client, query)


@pytest.mark.san
@pytest.mark.rules
@pytest.mark.parametrize('odd', [*ODD, *ODD_WAY])
def test_nobody_is_led_anywhere_by_an_answer_that_cannot_be_used(server, hydra, kind, odd):
    query, client, who = hydra.ask(), server.client(kind), member(server)
    flow = begin(client, query)
    hydra.bent = {'PUT': {**ODD, **ODD_WAY}[odd]}
    answer = give(client, flow, who.email)
    hydra.bent = {}
    assert answer.status == 503 and int(answer.header('Retry-After')) > 0 and client.whoami().status == 200
    assert leads(give(client, flow, who.email)) == hydra.way_on(query)


@pytest.mark.rules
def test_an_application_that_says_much_of_itself_is_shown_in_brief(server, hydra):
    query = hydra.ask(client={'client_id': 'app', 'client_name': 'The App', 'logo_uri': 'https://a.example/l', 'metadata': {'a': 'x' * 17000}})
    shown = begin(server.ajax(), query).json['oauth2_login_request']
    assert shown['client'] == {'client_id': 'app', 'client_name': 'The App', 'logo_uri': 'https://a.example/l'} and shown['skip'] is False


# -- the server does not answer -----------------------------------------------------------------

def test_while_it_is_down_no_flow_begins_and_then_it_does(server, hydra, kind):
    query, client = hydra.ask(), server.client(kind)
    with hydra.away():
        answer = client.init('login', query)
    assert answer.status == 503 and int(answer.header('Retry-After')) > 0
    begin(client, query)


def fail(server, hydra, client, flow, email):
    """A sign-in that goes well, but for the server that is not there to be told."""
    with hydra.away():
        answer = give(client, flow, email)
    assert answer.status == 503 and int(answer.header('Retry-After')) > 0 and gives_session(answer)
    return answer


def test_while_it_is_down_nothing_is_lost_and_the_next_press_goes_on(server, hydra, kind):
    query, client, who = hydra.ask(), server.client(kind), member(server)
    flow = begin(client, query)
    fail(server, hydra, client, flow, who.email)
    session = client.session()['id']
    assert leads(give(client, flow, who.email, 'whatever: it was right before')) == hydra.way_on(query)
    assert hydra.told(query)['identity_provider_session_id'] == session == client.session()['id']


def test_the_page_may_be_opened_anew_before_that(server, hydra, kind):
    query, client, who = hydra.ask(), server.client(kind), member(server)
    flow = begin(client, query)
    fail(server, hydra, client, flow, who.email)
    assert leads(give(client, client.fetch('login', flow.flow_id).must(200), '', '')) == hydra.way_on(query)


def test_a_code_that_was_used_up_is_not_asked_for_again(server, hydra, kind):
    who = member(server)
    app, query, client = enrol(server, who), hydra.ask(), server.client(kind)
    flow = follow(client, leads(give(client, begin(client, query), who.email)))
    with hydra.away():
        code = app.next()
        client.submit('login', flow, {'method': 'totp', 'totp_code': code}).must(503)
    assert leads(client.submit('login', flow, {'method': 'totp', 'totp_code': code})) == hydra.way_on(query)
    assert hydra.told(query)['amr'] == ['password', 'totp']


def test_a_registration_goes_on_likewise(server, hydra, kind):
    query, client, email = hydra.ask(), server.client(kind), new_email()
    flow = begin(client, query, 'registration')
    with hydra.away():
        sign_up(client, flow, email).must(503)
    assert leads(sign_up(client, flow, email)) == hydra.way_on(query)
    assert hydra.told(query)['subject'] == client.session()['identity']['id']


@pytest.mark.parametrize('flow', ['login', 'registration'])
def test_who_comes_back_from_another_site_comes_back_once_more(server, hydra, provider, kind, flow):
    """The callback, reloaded; whether it came to a sign-in or, in another flow, to a new account."""
    query, client, now = hydra.ask(), server.client(kind), int(time.time() + server.clock.ahead)
    who = claims(new_email().split('@')[0], iat=now, exp=now + 3600)
    back = provider.agree(client, provider.press(client, flow, query=query), **who)
    with hydra.away():
        answer = client.get(back)
    assert answer.status == 503
    session = client.session()['id']
    assert leads(client.get(back)) == hydra.way_on(query)
    assert hydra.told(query)['identity_provider_session_id'] == session == client.session()['id']


def test_the_next_press_must_come_from_the_form(server, hydra, kind):
    query, client, who = hydra.ask(), server.client(kind), member(server)
    flow = begin(client, query)
    fail(server, hydra, client, flow, who.email)
    for token in ({}, {'csrf_token': begin(server.client(kind), {}).csrf}):
        answer = client.submit('login', flow, {'method': 'password', 'identifier': who.email, 'password': PASSWORD, **token}, csrf=False)
        assert answer.status == 403 or leads(answer).startswith(UI + '/error')
    assert not hydra.told(query)


def test_the_next_press_is_its_owners_alone(server, hydra, kind):
    query, client, who = hydra.ask(), server.client(kind), member(server)
    flow = begin(client, query)
    fail(server, hydra, client, flow, who.email)
    other = member(server)
    thief = {k: v for k, v in other.cookies.items() if 'session' in k}
    client.cookies.update(thief)                    # somebody else sits down at the same browser
    give(client, client.fetch('login', flow.flow_id).must(200), who.email, WRONG).must(303, 400)
    assert not hydra.told(query)


def test_a_session_that_ended_since_is_told_of_no_more(server, hydra, kind):
    query, client, who = hydra.ask(), server.client(kind), member(server)
    flow = begin(client, query)
    fail(server, hydra, client, flow, who.email)
    server.ctl.run('session', 'revoke', client.session()['id']).check_returncode()
    give(client, flow, who.email, WRONG)
    assert not hydra.told(query)
    assert leads(give(client, client.fetch('login', flow.flow_id), who.email)) == hydra.way_on(query)


def test_a_session_that_ends_while_the_server_is_told_leads_nowhere(server, hydra, kind):
    query, client, who = hydra.ask(), server.client(kind), member(server)
    flow = begin(client, query)
    hydra.meanwhile = lambda: server.ctl.run('session', 'revoke', '--identity', who.email).check_returncode()
    answer = give(client, flow, who.email)
    hydra.meanwhile = lambda: None
    if kind == 'browser':
        assert leads(answer) == f'{server.url}{LOGIN}?login_challenge={query["login_challenge"]}'
    else:
        assert answer.status == 401 and hydra.url + '/oauth2' not in answer.body.decode()
    assert client.whoami().status == 401


@pytest.mark.slow
def test_while_it_is_silent_no_connection_is_held(serve, hydra):
    """One connection and a server that says nothing for five seconds: others are served meanwhile, who want nothing of it."""
    server = serve(merge(behind(hydra), nested('mod_kratos.oauth2.max_calls', 1)), lines={'global': 'KratosDatabasePool 0 1 1 60\n'})
    query, client, who = hydra.ask(), server.ajax(), member(server)
    flow = begin(client, query)
    told, on = threading.Event(), threading.Event()
    hydra.meanwhile = lambda: (told.set(), on.wait(20))
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(give(client, flow, who.email)))
    waiting.start()
    assert told.wait(10)
    assert who.whoami().status == 200 and not answers
    begun = time.monotonic()
    late = server.ajax().init('login', hydra.ask())                     # the one place is taken
    assert late.status == 503 and int(late.header('Retry-After')) > 0 and time.monotonic() - begun < 2 and not answers
    waiting.join(20)
    on.set()
    hydra.meanwhile = lambda: None
    assert answers[0].status == 503 and client.whoami().status == 200
    assert leads(give(client, flow, who.email)) == hydra.way_on(query)


@pytest.mark.rules
def test_the_level_is_told_where_the_owner_wants_it(serve, hydra):
    server = serve(merge(FACTORS, merge(behind(hydra), nested('mod_kratos.oauth2.acr', True))), clock=True)
    who, query = member(server), hydra.ask()
    app, client = enrol(server, who), server.ajax()
    give(client, begin(client, query), who.email).must(422)
    assert hydra.told(query)['acr'] == 'aal1'
    flow = client.start('login', {'aal': 'aal2', **query})
    client.submit('login', flow, {'method': 'totp', 'totp_code': app.next()}).must(422)
    assert hydra.told(query)['acr'] == 'aal2'
