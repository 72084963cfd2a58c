# SPDX-License-Identifier: Apache-2.0
"""Signing in with another site: what forms say before and after, whoever sends them, and what odd fields and claims come to."""
from urllib.parse import parse_qs, urlsplit

import pytest

from lib.account import let_in
from lib.clients import HTML, PASSWORD, error_id, messages, new_email
from lib.factors import at_once, held
from lib.hooks import lists, no, parsing
from lib.keys import PAGE, RP, key_person
from lib.provider import collide, person, social
from lib.settings import inline, merge, nested

pytestmark = [pytest.mark.rules, pytest.mark.usefixtures('afresh')]

JSON = 'application/json'
RENEWS = '''
local claims = std.extVar('claims');
{ identity: { traits: { email: claims.email } } }
'''


@pytest.fixture(scope='module')
def site(request, provider):
    from conftest import end, start
    flows = {'settings': {'privileged_session_max_age': '1m'}, 'registration': {'enable_legacy_one_step': False}}
    site = start(request, None, merge(social(provider.conf(), provider.conf('globex')), nested('selfservice.flows', flows)), clock=True)
    yield site
    end(site)


def fields(flow):
    """{name: value} of a form's inputs; buttons of providers as 'provider acme'."""
    nodes = [n['attributes'] for n in flow.json['ui']['nodes']]
    return {(f"{a['name']} {a['value']}" if a['name'] == 'provider' else a['name']): a.get('value') for a in nodes if 'name' in a}


def denied(site, provider, client, kind):
    """Somebody who has said no at the provider, and the form that they come back to."""
    provider.deny = True
    answer = provider.walk(client, kind)
    provider.deny = False
    return client.fetch(kind, answer.flow_id).must(200)


# -- to the provider -----------------------------------------------------------------------------

@pytest.mark.parametrize('accept, status', [(JSON, 422), (HTML, 303), ('*/*', 303)])
def test_an_app_is_told_where_to_go_and_its_form_in_a_browser_is_led_there(site, accept, status):
    app = site.native()
    flow = app.start('login')
    answer = app.request('POST', '/self-service/login', query={'flow': flow.flow_id}, form={'provider': 'acme'}, accept=accept).must(status)
    assert '/authorize?' in (answer.location or answer.json['redirect_browser_to'])


@pytest.mark.parametrize('kind', ['browser', 'ajax', 'native'])
def test_a_form_that_somebody_leaves_goes_on_saying_what_it_said(site, provider, kind):
    client = getattr(site, kind)()
    flow = client.start('login')
    client.submit('login', flow, {'method': 'password', 'identifier': 'nobody@example.org', 'password': PASSWORD})
    before = messages(client.fetch('login', flow.flow_id))
    provider.press(client, flow=flow, transient_payload={'a': 1}) if kind != 'browser' else provider.press(client, flow=flow)
    assert messages(client.fetch('login', flow.flow_id)) == before == [4000006]


@pytest.mark.parametrize('odd', [
    {'id_token': ['x']}, {'id_token': {}}, {'provider': ['acme']}, {'traits': 'ana'}, {'traits': ['ana']}, {'upstream_parameters': []},
    {'upstream_parameters': 'prompt'}, {'upstream_parameters': {'prompt': 5}}, {'upstream_parameters': {'hd': ['a']}},
], ids=str)
@pytest.mark.parametrize('kind', ['login', 'registration'])
def test_an_odd_field_is_refused_and_not_passed_over(site, kind, odd):
    client = site.ajax()
    flow = client.start(kind)
    assert messages(client.submit(kind, flow, {'method': 'oidc', 'provider': 'acme', **odd}).must(400)) == [4000001]


def test_what_a_form_leaves_empty_is_no_parameter_for_the_provider(site, provider):
    answer = provider.press(site.browser(), **{'upstream_parameters.prompt': '', 'upstream_parameters.hd': 'example.org'})
    sent = parse_qs(urlsplit(answer.location).query, keep_blank_values=True)
    assert 'prompt' not in sent and sent['hd'] == ['example.org']


def test_where_it_is_switched_off_there_is_nothing_to_press_and_nowhere_to_come_back_to(serve, provider):
    off = serve(merge(social(provider.conf()), nested('selfservice.methods.oidc.enabled', False)))
    for kind in ('login', 'registration'):
        client = off.ajax()
        client.submit(kind, client.start(kind), {'method': 'oidc', 'provider': 'acme'}).must(404)
    browser = off.browser()
    for path in ('/acme', ''):
        browser.get(f'/self-service/methods/oidc/callback{path}', {'state': 'x', 'code': 'y'}).must(404)


# -- and on with the form ----------------------------------------------------------------------------

@pytest.mark.parametrize('kind', ['browser', 'ajax'])
def test_who_says_no_at_the_provider_signs_up_with_a_password_instead(site, provider, kind):
    client, email = getattr(site, kind)(), new_email()
    flow = denied(site, provider, client, 'registration')
    client.submit('registration', flow, {'method': 'profile', 'traits': {'email': email, 'name': 'Ana'}})
    flow = client.fetch('registration', flow.flow_id).must(200)
    sent = {k: v for k, v in fields(flow).items() if k.startswith('traits.')}
    assert sent == {'traits.email': email, 'traits.name': 'Ana'}
    client.submit('registration', flow, {'method': 'password', 'password': PASSWORD, **({'traits': {'email': email}} if kind == 'ajax' else sent)})
    assert client.session()['identity']['traits']['email'] == email


def test_the_first_screen_has_its_providers_also_when_one_comes_back_to_it(site):
    client = site.ajax()
    flow = client.start('registration')
    traits = {'email': new_email()}
    client.submit('registration', flow, {'method': 'profile', 'traits': traits}).must(400)
    back = client.submit('registration', flow, {'method': 'profile', 'screen': 'previous', 'traits': traits}).must(400)
    assert {'provider acme', 'provider globex', 'traits.email'} <= set(fields(back))


def test_who_is_signed_in_and_says_no_is_shown_the_form(site, provider):
    client = site.browser()
    url = provider.agree(client, provider.press(client), **person('signed-in'))
    client.register(new_email()).must(303)
    assert '/login?flow=' in client.get(url.split('&code=')[0] + '&error=access_denied', accept=HTML).must(303).location
    assert '/login?flow=' not in client.get(url, accept=HTML).must(303).location


def test_what_somebody_types_counts_more_than_what_the_provider_says_also_when_it_is_empty(site, provider):
    client = site.ajax()
    answer = provider.walk(client, 'registration', fields={'traits': {'name': ''}}, **person('nameless'))
    assert answer.location and client.session()['identity']['traits']['name'] == ''


# -- and back -----------------------------------------------------------------------------------------

POSTED = '/self-service/methods/oidc/callback/acme'


@pytest.mark.parametrize('body, query', [
    ({'form': {'state': 'form', 'code': 'c'}}, {'state': ['form'], 'code': ['c'], 'x': ['1']}),
    ({'form': {'state': ['form', 'second']}}, {'state': ['form'], 'x': ['1']}),
    ({'json_': {'state': 'json'}}, {'state': ['url'], 'x': ['1']}),
    ({'raw': 'state=raw', 'content_type': 'text/plain'}, {'state': ['url'], 'x': ['1']}),
    ({}, {'state': ['url'], 'x': ['1']}),
], ids=str)
def test_an_answer_that_is_posted_becomes_a_visit_and_its_form_counts_first(site, body, query):
    answer = site.browser().request('POST', POSTED + '?state=url&x=1', **body).must(302)
    assert parse_qs(urlsplit(answer.location).query) == query


def test_a_link_without_a_session_is_nobodys(site, provider):
    client = site.browser()
    provider.walk(client, 'registration', **person('absent'))
    url = provider.agree(client, provider.press(client, 'settings', link='globex'), **person('absent2'))
    client.cookies.pop('ory_kratos_session')
    assert error_id(client.get(url, accept=JSON).must(401)) == 'session_inactive'


def test_a_link_that_fails_is_answered_to_scripts_with_the_account(site, provider):
    client = site.ajax()
    provider.walk(client, 'registration', **person('failing'))
    url = provider.agree(client, provider.press(client, 'settings', link='globex'), **person('failing2', aud='other'))
    answer = client.get(url, accept=JSON).must(400)
    assert messages(answer) == [4000001] and answer.json['identity']['traits']['email'] == 'failing@example.org'


@pytest.mark.parametrize('claims', [{'email': 5}, {'email': ['a@example.org']}, {'email_verified': 'yes'}, {'email_verified': 1}, {'amr': 'pwd'}, {'acr': 2},
                                    {'name': {'first': 'Ana'}}], ids=str)
def test_a_claim_of_another_type_than_it_has_makes_no_account(site, provider, claims):
    client = site.browser()
    answer = provider.walk(client, 'registration', **{**person('odd'), **claims})
    assert messages(client.fetch('registration', answer.flow_id)) == [4000001] and not let_in(client)


def test_a_token_that_names_nobody_is_the_providers_fault(site, provider):
    for sub in (None, ''):
        client = site.ajax()
        url = provider.agree(client, provider.press(client), **person('nobody', sub=sub))
        assert error_id(client.get(url, accept=JSON).must(502)) == 'upstream_error'


def test_a_subject_as_long_as_subjects_may_be_is_somebody(site, provider):
    ids = []
    for _ in range(2):
        client = site.browser()
        provider.walk(client, **person('long', sub='s' * 255)).must(303)
        ids.append(client.session()['identity']['id'])
    assert ids[0] == ids[1]
    other = site.browser()
    provider.walk(other, **person('longer', sub='s' * 254 + 't')).must(303)
    assert other.session()['identity']['id'] != ids[0]


# -- a change that waits ----------------------------------------------------------------------------------

def test_a_change_waits_for_a_sign_in_by_a_provider(site, provider):
    """Who has no password has no other way to sign in once more."""
    client, who = site.browser(), person('waiter')
    provider.walk(client, 'registration', **who)
    site.clock.forward(61)
    flow = client.start('settings')
    asked = client.submit('settings', flow, {'method': 'password', 'password': PASSWORD}).must(303)
    begun = client.get(asked.location, accept=HTML).must(303)
    signed_in = provider.walk(client, flow=client.fetch('login', begun.flow_id), **who).must(303)
    done = client.get(signed_in.location, accept=HTML).must(303)
    assert messages(client.fetch('settings', done.flow_id).must(200)) == [1050001]
    site.browser().login(who['email']).must(303)


def test_a_renewal_that_would_take_somebody_elses_address_keeps_nobody_out(serve, provider):
    site = serve(social(provider.conf(update_identity_on_login='automatic', mapper_url=inline(RENEWS))))
    taken = new_email()
    site.native().register(taken).must(200)
    client = site.browser()
    provider.walk(client, 'registration', **person('mover'))
    again = site.browser()
    provider.walk(again, **person('mover', email=taken))
    assert again.session()['identity']['traits']['email'] == 'mover@example.org'


COUNTS = """
local claims = std.extVar('claims');
local admin = std.extVar('identity').metadata_admin;
{ identity: { traits: { email: claims.email }, metadata_admin: (if admin == null then {} else admin) + { seen: claims.email } } }
"""


def test_a_renewal_adds_to_what_the_owner_keeps_of_somebody(serve, provider):
    site = serve(social(provider.conf(update_identity_on_login='automatic', mapper_url=inline(COUNTS))))
    client = site.browser()
    provider.walk(client, 'registration', **person('kept'))
    site.sql("UPDATE identities SET metadata_admin = '{\"vip\": true}', version = version + 1")
    provider.walk(site.browser(), **person('kept')).must(303)
    stored, = site.ctl.json('identity', 'get', client.session()['identity']['id'])
    assert stored['metadata_admin'] == {'vip': True, 'seen': 'kept@example.org'}


# -- whose account it is ----------------------------------------------------------------------------------

def test_a_form_that_links_may_be_clicked_twice(site, provider):
    email = new_email()
    site.native().register(email).must(200)
    client, flow = collide(site, provider, email)
    fields = {'method': 'password', 'identifier': email, 'password': PASSWORD}
    answers = at_once([lambda: client.submit('login', flow, fields) for _ in range(4)])
    assert all(answer.status == 303 and 'flow=' not in answer.location for answer in answers)
    assert let_in(client) and held(site, email, 'oidc') == 1


def test_a_hook_that_says_no_does_not_make_a_link_forgotten(serve, provider, target):
    site = serve(merge(social(provider.conf()), lists(login__after__password=[parsing(target, '/ask')])))
    email = new_email()
    site.native().register(email).must(200)
    client, flow = collide(site, provider, email)
    fields = {'method': 'password', 'identifier': email, 'password': PASSWORD}
    target.says('/ask', 400, no('#/', 'not now'))
    refused = client.step('login', flow, fields)
    assert not let_in(client) and refused.json['ui']['messages'][0]['text'] == 'not now'
    target.says('/ask', 200)
    client.submit('login', refused, fields).must(303)
    assert let_in(client) and held(site, email, 'oidc') == 1


def test_somebody_elses_password_leaves_the_form_with_the_name_of_the_account(site, provider):
    email, other = new_email(), new_email()
    for who in (email, other):
        site.native().register(who).must(200)
    client, flow = collide(site, provider, email, 'login')
    refused = client.step('login', flow, {'method': 'password', 'identifier': other, 'password': PASSWORD})
    assert messages(refused) == [4010009] and fields(refused)['identifier'] == email


@pytest.mark.rules
def test_a_provider_says_two_factors_in_the_words_of_the_settings_or_it_was_one(serve, provider):
    site = serve(social(provider.conf(aal2_acr_values=['gold'], aal2_amr_values=['mfa'])))
    for n, (said, level) in enumerate([({}, 'aal1'), ({'acr': 'tin'}, 'aal1'), ({'acr': 'gold'}, 'aal2'), ({'amr': ['pwd']}, 'aal1'),
                                       ({'amr': ['pwd', 'mfa']}, 'aal2'), ({'acr': 'mfa', 'amr': ['gold']}, 'aal1')]):
        client = site.browser()
        provider.walk(client, 'registration', **person(f'miner{n}', **said)).must(303)
        assert client.session()['authenticator_assurance_level'] == level, said


def test_what_a_provider_says_of_factors_counts_for_nothing_once_a_password_proves_it(serve, provider):
    site = serve(social(provider.conf(aal2_acr_values=['gold'])))
    email = new_email()
    site.native().register(email).must(200)
    client = site.browser()
    flow = client.fetch('login', provider.walk(client, **person('golden', email=email, acr='gold')).flow_id)
    client.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD}).must(303)
    session = client.session()
    assert [m['method'] for m in session['authentication_methods']] == ['password', 'oidc'] and session['authenticator_assurance_level'] == 'aal1'


def test_a_passkey_may_prove_it(serve, provider):
    passkey = {'enabled': True, 'config': {'rp': {'id': RP, 'display_name': 'A site', 'origins': [PAGE]}}}
    schema = {'identity': {'schemas': [{'id': 'person', 'url': inline(key_person())}]}}
    site = serve(merge(merge(social(provider.conf()), schema), nested('selfservice.methods.passkey', passkey)))
    email = new_email()
    site.native().register(email).must(200)
    client = site.browser()
    flow = client.fetch('login', provider.walk(client, **person('keyed', email=email)).flow_id)
    assert {'passkey_challenge', 'passkey_login', 'passkey_login_trigger'} <= set(fields(flow))


def test_without_anything_that_asks_for_a_name_there_is_none(serve, provider):
    site = serve(merge(social(provider.conf(), provider.conf('globex')), nested('selfservice.methods.password.enabled', False)))
    provider.walk(site.browser(), 'registration', 'globex', **person('only'))
    client = site.browser()
    answer = provider.walk(client, **person('only', sub='another'))
    assert '/login?flow=' not in answer.location or 'identifier' not in fields(client.fetch('login', answer.flow_id))


def test_who_signs_up_anew_is_told_of_the_providers_that_they_have(serve, provider):
    site = serve(merge(social(provider.conf(), provider.conf('globex')), nested('selfservice.flows.registration.login_hints', True)))
    provider.walk(site.browser(), 'registration', **person('hinted'))
    client = site.ajax()
    refused = client.register('hinted@example.org')
    hint = next(m for m in refused.must(400).json['ui']['messages'] if m['id'] == 4000028)['context']
    assert hint['available_oidc_providers'] == ['acme'] and 'oidc' in hint['available_credential_types']
