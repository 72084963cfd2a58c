# SPDX-License-Identifier: Apache-2.0
"""Signing in with another site by the browser itself: whose token is taken, and what it comes to (t/browser/test_fedcm.py has the browser)."""
import pytest

from lib.account import accounts, let_in, member
from lib.clients import PASSWORD, messages, new_email
from lib.fedcm import Idp, ask, give, sign_in
from lib.provider import person, social
from lib.settings import UI, inline, merge, nested

ORGANISATION = 'd1c3b6b0-0000-4000-8000-000000000000'
NOTHING = "{ identity: { traits: {} } }"


@pytest.fixture(scope='module')
def idp():
    idp = Idp()
    yield idp
    idp.close()


@pytest.fixture(autouse=True)
def afresh(idp):
    idp.reset()
    yield


@pytest.fixture(scope='module')
def site(request, database, idp):
    from conftest import end, start
    site = start(request, database, merge(social(idp.conf(), idp.conf('globex'), idp.alone('initech', mapper_url=inline(NOTHING)), idp.alone('gone'),
                                                 idp.conf('org', organization_id=ORGANISATION)),
                                          nested('selfservice.flows.settings.privileged_session_max_age', '1h')), clock=True)
    idp.clock = site.clock
    yield site
    idp.clock = None
    end(site)


@pytest.fixture(params=['browser', 'ajax'])
def client(request, site):
    return site.client(request.param)


def flow_of(client, answer):
    """The flow that a refusal shows."""
    if client.kind != 'browser':
        return answer.must(400).json
    assert answer.must(302, 303).location.startswith(UI)
    kind = 'registration' if '/registration' in answer.location else 'login'
    return client.fetch(kind, answer.flow_id).must(200).json


def reason(client, answer):
    return flow_of(client, answer)['ui']['messages'][0]['context'].get('reason', '')


# -- what is asked for ---------------------------------------------------------------------------

def test_a_page_learns_which_sites_to_ask_and_each_has_a_nonce_of_its_own(client, idp):
    first, second = ask(client).must(200).json, ask(client).must(200).json
    assert {p['client_id']: p['config_url'] for p in first['providers']} == {
        f'app-{name}': f'{idp.base}/{name}/fedcm.json' for name in ('acme', 'globex', 'initech', 'gone')}
    nonces = [p['nonce'] for p in first['providers'] + second['providers']]
    assert len(set(nonces)) == 8 and all(p['parameters'] == {'nonce': p['nonce']} for p in first['providers'])
    assert all(p.keys() == {'client_id', 'config_url', 'nonce', 'parameters'} for p in first['providers'])
    assert first['csrf_token'] and client.cookie('csrf_token')[0]


def test_nobody_keeps_the_answer(site):
    assert 'no-store' in ask(site.browser()).header('Cache-Control')


@pytest.mark.rules
@pytest.mark.parametrize('settings', [{}, {'selfservice': {'methods': {'oidc': {'enabled': False}}}}])
def test_where_no_site_offers_it_the_list_is_empty_and_no_token_is_taken(serve, idp, settings):
    site = serve(merge(social(), settings))
    b = site.ajax()
    asked = ask(b).must(200)
    assert asked.json['providers'] == []
    assert give(b, asked, idp.id_token('n')).must(404).json['error']['code'] == 404


# -- who is let in ----------------------------------------------------------------------------------

@pytest.mark.san
def test_somebody_signs_up_and_in(site, idp, client):
    who = person(f'ada.{client.kind}')
    answer = sign_in(client, idp, who).must(200, 303)
    session = client.session()
    assert session['identity']['traits'] == {'email': who['email'], 'name': who['name']}
    assert session['authentication_methods'][0].items() >= {'method': 'oidc', 'aal': 'aal1', 'provider': 'acme'}.items()
    if client.kind != 'browser':
        assert answer.json['session']['id'] == session['id'] and 'session_token' not in answer.json
    else:
        assert answer.location == UI + '/'
    again = type(client)(site.url)
    sign_in(again, idp, who).must(200, 303)
    assert again.session()['identity']['id'] == session['identity']['id']


def test_it_is_the_account_that_the_ordinary_way_leads_to(site, idp):
    who = person('eve')
    by_button, by_browser = site.browser(), site.browser()
    idp.walk(by_button, 'registration', **who).must(303)
    sign_in(by_browser, idp, who).must(303)
    assert by_browser.session()['identity']['id'] == by_button.session()['identity']['id']
    other = site.browser()
    sign_in(other, idp, {**who, 'email': 'eve@example.net'}, 'globex').must(303)
    assert other.session()['identity']['id'] != by_button.session()['identity']['id'], 'another site of the same subject'


def test_what_waits_behind_a_sign_in_comes_after_this_one(site, idp, client):
    for kind in ('login', 'registration'):
        c = type(client)(site.url)
        flow = c.start(kind, {'return_to': 'https://app.example.org/welcome'})
        answer = sign_in(c, idp, person(f'waits.{kind}.{client.kind}'), flow=flow.json['id']).must(200, 303)
        to = answer.location if c.kind == 'browser' else answer.json['continue_with'][0]['redirect_browser_to']
        assert to == 'https://app.example.org/welcome' and let_in(c)


def test_what_an_app_sends_along_is_a_payload_or_refused(site, idp):
    b = site.ajax()
    asked = ask(b)
    token = idp.id_token(asked.json['providers'][0]['nonce'], person('pay'))
    assert 'transient_payload' in reason(b, give(b, asked, token, transient_payload='x'))
    assert give(b, asked, token, transient_payload={'a': 1}).must(200) and let_in(b)


# -- nonces -------------------------------------------------------------------------------------------

def nonces(client):
    asked = ask(client).must(200)
    return asked, {p['client_id'][4:]: p['nonce'] for p in asked.json['providers']}


NONCES = {
    'none': lambda n, o: None,
    'empty': lambda n, o: '',
    'no text': lambda n, o: 7,
    'made up': lambda n, o: 'x' * 22 + '.9999999999.' + 'y' * 43,
    'of another site': lambda n, o: n['globex'],
    'of another browser': lambda n, o: o['acme'],
    'longer': lambda n, o: n['acme'] + 'A',
    'of later': lambda n, o: '.'.join([n['acme'].split('.')[0], '9999999999', n['acme'].split('.')[2]]),
    'half': lambda n, o: n['acme'].split('.')[0],
}


@pytest.mark.rules
@pytest.mark.parametrize('which', NONCES)
def test_a_token_that_was_not_made_for_this_browser_and_site_is_refused(site, idp, client, which):
    asked, mine = nonces(client)
    _, others = nonces(site.ajax())
    before = accounts(site)
    answer = give(client, asked, idp.id_token(NONCES[which](mine, others), person('nobody')))
    assert 'token' in reason(client, answer) and accounts(site) == before and not let_in(client)


@pytest.mark.rules
def test_the_nonce_that_comes_beside_it_is_the_one_in_it(site, idp):
    b = site.ajax()
    asked, mine = nonces(b)
    token = idp.id_token(mine['acme'], person('beside'))
    assert 'nonce' in reason(b, give(b, asked, token, nonce=mine['globex']))
    give(b, asked, token, nonce=mine['acme']).must(200)


def test_a_nonce_is_good_once(site, idp, client):
    asked, mine = nonces(client)
    token, who = idp.id_token(mine['acme'], person('once')), type(client)(site.url)
    who.cookies = dict(client.cookies)              # the same browser, before it was signed in
    give(client, asked, token).must(200, 303)
    assert let_in(client)
    assert 'already' in reason(who, give(who, asked, token)) and not let_in(who)


def test_and_not_for_long(site, idp, client):
    asked, mine = nonces(client)
    site.clock.forward(601)
    answer = give(client, asked, idp.id_token(mine['acme'], person('late')))
    if client.kind != 'browser':
        error = answer.must(410).json['error']
        assert error['id'] == 'self_service_flow_expired' and error['details']['redirect_to'].endswith('/self-service/login/browser')
    else:
        assert 'too long' in reason(client, answer)
    assert not let_in(client)


# -- tokens ---------------------------------------------------------------------------------------------

TOKENS = {
    'for another client': {'aud': 'app-somebody'},
    'for an organisation': {'aud': 'app-org'},
    'for nobody': {'aud': None},
    'of another issuer': {'iss': 'https://evil.example'},
    'over': {'exp': 1000},
    'without an end': {'exp': None},
    'from the future': {'iat': 4000000000},
    'without a subject': {'sub': None},
    'made for another party': {'aud': ['app-acme', 'app-x'], 'azp': 'app-x'},
    'unsigned': {'how': 'none'},
    'signed with what we share': {'how': 'HS256'},
    'signed by somebody else': {'how': 'other-key'},
    'signed with an unknown key': {'how': 'unknown-key'},
}


@pytest.mark.rules
@pytest.mark.parametrize('which', TOKENS)
def test_a_token_that_is_not_to_be_believed_makes_no_account(site, idp, client, which):
    claims = dict(TOKENS[which])
    how, before = claims.pop('how', None), accounts(site)
    answer = sign_in(client, idp, {**person('mallory'), **claims}, how=how)
    assert flow_of(client, answer)['ui']['messages'] and accounts(site) == before and not let_in(client)


@pytest.mark.rules
@pytest.mark.parametrize('token', [None, '', 'x', 'a.b', 'a.b.c', '..', 'e30.e30.e30', 'x' * 300000, '{"token":"x"}'])
def test_what_is_no_token_is_refused(site, client, token):
    asked = ask(client)
    assert messages(flow_of(client, give(client, asked, token))) and not let_in(client)


@pytest.mark.rules
@pytest.mark.parametrize('fields', [{'token': ['x']}, {'token': {}}, {'nonce': {}}, {'csrf_token': []}])
def test_other_types_are_refused(site, fields):
    b = site.ajax()
    asked = ask(b)
    assert give(b, asked, **{'token': 'x', **fields}).status in (400, 403)


@pytest.mark.rules
def test_a_provider_that_is_gone_lets_nobody_in_and_uses_no_nonce_up(site, idp, client):
    asked, mine = nonces(client)
    idp.answers = {'/.well-known/openid-configuration': (500, {})}
    used = site.sql("SELECT COUNT(*) FROM code_budgets WHERE id LIKE 'fedcm %'")
    answer = give(client, asked, idp.id_token(mine['gone'], person('gone'), 'gone'))
    if client.kind == 'browser':
        assert answer.must(303).location.startswith(UI + '/error?id=')
    else:
        assert answer.must(500).json['error']['id'] == 'invalid_configuration'
    assert not let_in(client) and site.sql("SELECT COUNT(*) FROM code_budgets WHERE id LIKE 'fedcm %'") == used


# -- who sends it ------------------------------------------------------------------------------------------

@pytest.mark.rules
@pytest.mark.parametrize('token', [None, '', 'rubbish', 'of another browser'])
def test_without_the_token_of_this_browser_nobody_is_signed_in(site, idp, client, token):
    asked, mine = nonces(client)
    if token == 'of another browser':
        token = ask(site.ajax()).json['csrf_token']
    answer = give(client, asked, idp.id_token(mine['acme'], person('csrf')), csrf_token=token)
    if client.kind != 'browser':
        assert answer.must(403).json['error']['id'] == 'security_csrf_violation'
    assert not let_in(client)


@pytest.mark.rules
@pytest.mark.parametrize('origin, taken', [(None, True), (UI, True), ('self', True), ('null', False), ('https://evil.example', False),
                                           (UI + '.evil.example', False), ('https://127.0.0.1:15455', False), ('', False)])
def test_pages_of_other_sites_sign_nobody_in(site, idp, origin, taken):
    b = site.ajax()
    b.headers['Origin'] = site.url if origin == 'self' else origin
    answer = sign_in(b, idp, person('origin'))
    assert (answer.status == 200) == taken and (taken or answer.must(403).json['error']['id'] == 'security_csrf_violation')


@pytest.mark.rules
def test_pages_that_CORS_lets_call_may(serve, idp, monkeypatch):
    monkeypatch.setattr(idp, 'clock', None)
    site = serve(merge(social(idp.conf()), nested('serve.public.cors', {'enabled': True, 'allowed_origins': ['https://app.example.org']})))
    for origin, status in (('https://app.example.org', 200), ('https://other.example.org', 403)):
        b = site.ajax()
        b.headers['Origin'] = origin
        assert sign_in(b, idp, person('cors')).status == status


def test_who_is_signed_in_is_told_so(site, idp, client):
    b = member(site, 'browser' if client.kind == 'browser' else 'ajax')
    assert ask(b).must(400).json['error']['id'] == 'session_already_available'
    other = site.ajax()
    asked, mine = nonces(other)
    b.cookies |= {k: v for k, v in other.cookies.items() if k.startswith('csrf')}
    answer = give(b, asked, idp.id_token(mine['acme'], person('more')))
    assert answer.location == UI + '/' if b.kind == 'browser' else answer.must(400).json['error']['id'] == 'session_already_available'


@pytest.mark.rules
def test_a_flow_of_another_browser_an_app_or_nobody_is_not_gone_on_with(site, idp, client):
    for flow, statuses in ((site.ajax().start('login').json['id'], (403,)), (site.native().start('login').json['id'], (403,)),
                           ('00000000-0000-4000-8000-000000000000', (404,)), ('x', (404,))):
        b = type(client)(site.url)
        answer = sign_in(b, idp, person('elsewhere'), flow=flow)
        assert answer.status in statuses or (b.kind == 'browser' and '/error' in answer.location)
        assert not let_in(b)


def test_a_flow_that_waited_too_long_is_replaced(site, idp, client):
    flow = client.start('login').json['id']
    site.clock.forward(601)
    answer = give(client, ask(client), 'x', flow)
    if client.kind != 'browser':
        assert answer.must(410).json['use_flow_id'] != flow
    else:
        assert answer.must(303).location.startswith(UI + '/login?flow=')


# -- forms that follow ----------------------------------------------------------------------------------------

def test_what_a_site_does_not_tell_is_asked_for_without_asking_it_again(site, idp, client):
    who, email = person(f'quiet.{client.kind}'), new_email('quiet')
    idp.document = {'authorization_endpoint': None, 'token_endpoint': None}     # nobody is sent there
    flow = flow_of(client, sign_in(client, idp, who, 'initech'))
    nodes = {n['attributes']['name']: n['attributes'] for n in flow['ui']['nodes']}
    assert nodes['provider']['value'] == 'initech' and 'traits.email' in nodes
    fields = {'provider': 'initech', 'traits.email': ''} if client.kind == 'browser' else {'method': 'oidc', 'provider': 'initech'}
    answer = client.submit('registration', client.fetch('registration', flow['id']), fields)
    assert 'traits.email' in {n['attributes']['name'] for n in flow_of(client, answer)['ui']['nodes']} and not let_in(client)
    fields |= {'traits.email': email} if client.kind == 'browser' else {'traits': {'email': email}}
    client.submit('registration', client.fetch('registration', flow['id']), fields).must(200, 303)
    assert client.session()['identity']['traits']['email'] == email
    again = type(client)(site.url)
    sign_in(again, idp, who, 'initech').must(200, 303)
    assert again.session()['identity']['id'] == client.session()['identity']['id']
    kept = str(site.sql('SELECT internal FROM flows'))
    assert who['sub'] not in kept and 'oidc_told' not in str(site.sql(f"SELECT internal FROM flows WHERE id = '{flow['id']}'"))


def test_an_address_that_somebody_has_is_theirs_and_the_site_is_linked_once_they_prove_it(site, idp):
    owner = member(site)
    b = site.ajax()
    flow = flow_of(b, sign_in(b, idp, person('owner', email=owner.email), 'globex'))
    assert 1010016 in messages(flow) and not let_in(b)
    b.submit('login', b.fetch('login', flow['id']), {'method': 'password', 'identifier': owner.email, 'password': PASSWORD}).must(200)
    assert b.session()['identity']['id'] == owner.session()['identity']['id']
    later = site.ajax()
    sign_in(later, idp, person('owner', email=owner.email), 'globex').must(200)
    assert later.session()['identity']['id'] == owner.session()['identity']['id']


def test_where_nobody_can_be_sent_there_is_no_button(site, idp, client):
    def buttons(flow):
        return {n['attributes']['value'] for n in flow['ui']['nodes'] if n['group'] == 'oidc'}

    flow = client.start('login')
    assert buttons(flow.json) == {'acme', 'globex'}
    fields = {'provider': 'initech'} if client.kind == 'browser' else {'method': 'oidc', 'provider': 'initech'}
    assert 'by the browser' in reason(client, client.submit('login', flow, fields))
    assert buttons(member(site).start('settings').json) == {'acme', 'globex'}
