# SPDX-License-Identifier: Apache-2.0
"""Signing in with another site: who is let in, and who is not, whatever the way back brings."""
import re

import pytest

from lib.account import accounts, can_sign_in, let_in
from lib.clients import HTML, PASSWORD, WRONG, messages, new_email
from lib.factors import FACTORS, at_once, enrol, give
from lib.provider import changed, collide, person, social
from lib.settings import inline, merge, nested

pytestmark = pytest.mark.usefixtures('afresh')

KINDS = ('login', 'registration')
ENDLESS = "local f(x) = if x < 0 then x else f(x + 1); { identity: { traits: { email: '%s' % f(1) } } }"


@pytest.fixture(scope='module')
def site(request, database, provider):
    from conftest import end, start
    settings = social(provider.conf(), provider.conf('globex'), provider.conf('org', organization_id='d1c3b6b0-0000-4000-8000-000000000000'))
    site = start(request, database, merge(settings, nested('selfservice.flows.settings.privileged_session_max_age', '1h')), flags=['nonce'])
    yield site
    end(site)


def linked(client):
    """What the settings offer."""
    nodes = client.start('settings').json['ui']['nodes']
    return {(n['attributes']['name'], n['attributes']['value']) for n in nodes if n['group'] == 'oidc'}


# -- there and back ------------------------------------------------------------------------

def test_a_round_sends_what_has_to_come_back(site, provider):
    b = site.browser()
    sent = dict(re.findall(r'[?&]([^=]+)=([^&]*)', provider.press(b).location))
    assert len(sent['nonce']) >= 22 and len(sent['state']) >= 43 and sent['code_challenge_method'] == 'S256'
    again = dict(re.findall(r'[?&]([^=]+)=([^&]*)', provider.press(b).location))
    assert all(sent[name] != again[name] for name in ('nonce', 'state', 'code_challenge'))


@pytest.mark.san
def test_somebody_signs_up_and_in_and_nothing_of_it_is_readable_in_the_database(site, provider):
    who = person('ada')
    b = site.browser()
    assert provider.walk(b, 'registration', **who).status == 303 and let_in(b)
    again = site.browser()
    provider.walk(again, **who).must(303)
    assert again.session()['identity']['id'] == b.session()['identity']['id']
    assert again.session()['authentication_methods'][0]['provider'] == 'acme'
    kept = str(site.sql('SELECT config FROM identity_credentials') + site.sql('SELECT internal FROM flows'))
    assert 'at-' not in kept and 'eyJ' not in kept and 'initial_access_token' in kept


def test_the_same_subject_at_another_provider_is_somebody_else(site, provider):
    one, other = site.browser(), site.browser()
    provider.walk(one, 'registration', **person('twin'))
    provider.walk(other, provider='globex', **person('other-twin', sub='sub-of-twin')).must(303)
    assert let_in(other) and other.session()['identity']['id'] != one.session()['identity']['id']


def test_a_provider_of_an_organisation_is_not_offered_and_not_taken(site, provider):
    b = site.browser()
    flow = b.start('login')
    assert {n['attributes']['value'] for n in flow.json['ui']['nodes'] if n['group'] == 'oidc'} == {'acme', 'globex'}
    assert '/error?id=' in b.submit('login', flow, {'provider': 'org'}).location


def test_a_button_pressed_twice_begins_two_rounds_and_either_is_good(site, provider):
    for follow in (0, 1):
        b = site.browser()
        flow = b.start('login')
        pressed = at_once([lambda: provider.press(b, flow=flow) for _ in range(2)])
        b.get(provider.agree(b, pressed[follow], **person(f'twice{follow}')), accept=HTML).must(303)
        assert let_in(b)


def test_a_callback_that_comes_twice_at_once_lets_in_once_and_sends_the_code_once(site, provider):
    b = site.browser()
    url = provider.agree(b, provider.press(b, 'registration'), **person('both'))
    provider.slow['/token'] = 1
    before = accounts(site)
    answers = at_once([lambda: b.get(url, accept=HTML) for _ in range(6)])
    assert sorted('/error?' in a.location for a in answers) == [False] + [True] * 5
    assert len(provider.exchanges) == 1 and accounts(site) == before + 1 and let_in(b)
    assert '/error?' not in b.get(url, accept=HTML).location, 'who is in, and loads it again, is where they wanted to be'
    assert len(provider.exchanges) == 1


def test_another_node_takes_the_answer_also_once_a_newer_secret_is_there(request, provider, mariadb):
    from conftest import end, start
    db = mariadb.fresh()
    one = start(request, None, social(provider.conf()), db=db)
    renewed = {'serve': {'public': {'base_url': one.url + '/'}},
               'secrets': {'cookie': ['a-newer-cookie-secret-for-tests', 'a-cookie-secret-for-tests-only']}}
    other = start(request, None, merge(social(provider.conf()), renewed), db=db)
    b = one.browser()
    url = provider.agree(b, provider.press(b), **person('wanderer'))
    elsewhere = other.browser()
    elsewhere.cookies = b.cookies
    elsewhere.get(url.replace(one.url, other.url), accept=HTML).must(303)
    assert let_in(elsewhere)
    end(one), end(other)


# -- what must not be believed ---------------------------------------------------------------

def test_another_browser_is_not_let_in_and_does_not_spoil_it(site, provider):
    victim, thief = site.browser(), site.browser()
    url = provider.agree(victim, provider.press(victim), **person('victim'))
    provider.press(thief)
    assert '/error?' in thief.get(url, accept=HTML).location and not let_in(thief)
    victim.get(url, accept=HTML)
    assert let_in(victim)


def test_a_code_of_somebody_elses_round_is_worth_nothing(site, provider):
    """The thief's code in the victim's round would sign the victim in to the thief's account; the other way round it would be a theft."""
    for who, whose in (('a', 'b'), ('b', 'a')):
        clients = {'a': site.browser(), 'b': site.browser()}
        urls = {n: provider.agree(c, provider.press(c, 'registration'), **person(f'swap-{who}-{n}')) for n, c in clients.items()}
        code = re.search(r'code=([^&]+)', urls[whose])[1]
        clients[who].get(changed(urls[who], code=code), accept=HTML)
        assert not let_in(clients[who])


@pytest.mark.parametrize('iss, announced, good', [
    ('right', True, True), ('right', False, True), (None, False, True), (None, True, False), ('wrong', True, False), ('wrong', False, False),
], ids=str)
@pytest.mark.rules
def test_the_issuer_that_a_callback_names(serve, provider, iss, announced, good):
    provider.document = {'authorization_response_iss_parameter_supported': announced}
    site = serve(social(provider.conf()))
    b = site.browser()
    url = provider.agree(b, provider.press(b, 'registration'), **person('issued'))
    b.get(changed(url, iss={'right': provider.base, 'wrong': 'https://evil.example.com'}.get(iss)), accept=HTML)
    assert let_in(b) == good and len(provider.exchanges) == good, 'the code goes nowhere'


@pytest.mark.parametrize('claims', [{'nonce': None}, {'nonce': 'another'}, {'aud': 'other'}, {'exp': 1}, {'azp': 'other', 'aud': ['app-acme', 'x']}],
                         ids=str)
@pytest.mark.rules
def test_a_token_that_is_not_ours_makes_no_account(site, provider, claims):
    b = site.browser()
    before = accounts(site)
    answer = provider.walk(b, 'registration', **{**person('bad'), **claims})
    assert '/registration?flow=' in answer.location
    assert messages(b.fetch('registration', answer.flow_id)) == [4000001]
    assert not let_in(b) and accounts(site) == before


@pytest.mark.rules
def test_a_mapper_without_end_is_given_up_and_makes_no_account(serve, provider):
    site = serve(social(provider.conf(mapper_url=inline(ENDLESS))))
    b = site.browser()
    answer = provider.walk(b, 'registration', **person('endless'))
    assert '/registration?flow=' in answer.location and not let_in(b) and accounts(site) == 0


def test_who_was_locked_out_meanwhile_stays_out(site, provider):
    b = site.browser()
    provider.walk(b, 'registration', **person('locked'))
    again = site.browser()
    url = provider.agree(again, provider.press(again), **person('locked'))
    site.sql(f"UPDATE identities SET state = 'inactive', version = version + 1 WHERE id = '{b.session()['identity']['id']}'")
    again.get(url, accept=HTML)
    assert not let_in(again)


# -- whose account it is ------------------------------------------------------------------------

@pytest.mark.parametrize('kind', KINDS)
def test_an_account_is_linked_once_its_owner_has_proved_it(site, provider, kind):
    email = new_email()
    site.native().register(email).must(200)
    b, flow = collide(site, provider, email, kind)
    assert messages(flow) == [1010016]
    wrong = b.step('login', flow, {'method': 'password', 'identifier': email, 'password': WRONG})
    assert messages(wrong) == [4000006]
    b.submit('login', wrong, {'method': 'password', 'identifier': email, 'password': PASSWORD}).must(303)
    assert [m.get('provider', m['method']) for m in b.session()['authentication_methods']] == ['password', 'acme']
    again = site.browser()
    provider.walk(again, sub=f'sub {email}', email=email)
    assert let_in(again) and can_sign_in(site, email, PASSWORD)


def test_somebody_elses_password_links_nothing(site, provider):
    email, other = new_email(), new_email()
    for who in (email, other):
        site.native().register(who).must(200)
    b, flow = collide(site, provider, email)
    refused = b.step('login', flow, {'method': 'password', 'identifier': other, 'password': PASSWORD})
    assert messages(refused) == [4010009] and not let_in(b)
    b, flow = collide(site, provider, email)        # still somebody whom nobody knows


def test_two_who_link_the_same_account_of_a_provider_end_with_one_link(site, provider):
    email = new_email()
    site.native().register(email).must(200)
    rounds = [collide(site, provider, email) for _ in range(2)]
    fields = {'method': 'password', 'identifier': email, 'password': PASSWORD}
    at_once([lambda b=b, flow=flow: b.submit('login', flow, fields) for b, flow in rounds])
    assert any(let_in(b) for b, _ in rounds)
    assert len(site.sql(f"SELECT identifier FROM identity_identifiers WHERE identifier = 'acme:sub {email}'")) == 1


# -- settings --------------------------------------------------------------------------------------

def test_links_come_and_go_and_the_last_way_in_stays(site, provider):
    b = site.browser()
    provider.walk(b, 'registration', **person('settler'))
    assert linked(b) == {('link', 'globex')}, 'the only way in has no button'
    flow = b.start('settings')
    assert messages(b.step('settings', flow, {'unlink': 'acme'})) == [4000001]
    provider.walk(b, 'settings', fields={'link': 'globex'}, **person('settler2')).must(303)
    assert linked(b) == {('unlink', 'acme'), ('unlink', 'globex')}
    flows = [b.start('settings') for _ in range(2)]
    at_once([lambda f=f, p=p: b.submit('settings', f, {'unlink': p}) for f, p in zip(flows, ('acme', 'globex'))])
    assert len(linked(b)) == 1 and {name for name, _ in linked(b)} == {'link'}


def test_a_link_that_another_account_has_is_refused(site, provider):
    provider.walk(site.browser(), 'registration', **person('first'))
    b = site.browser()
    provider.walk(b, 'registration', 'globex', **person('second'))
    answer = provider.walk(b, 'settings', fields={'link': 'acme'}, **person('first'))
    assert messages(b.fetch('settings', answer.flow_id)) == [4000007] and ('link', 'acme') in linked(b)


def test_a_link_that_was_begun_in_another_account_is_nobodys(site, provider):
    b = site.browser()
    provider.walk(b, 'registration', **person('leaver'))
    url = provider.agree(b, provider.press(b, 'settings', link='globex'), **person('leaver2'))
    b.logout()
    provider.walk(b, 'registration', **person('comer'))
    assert '/error?' in b.get(url, accept=HTML).location
    assert ('link', 'globex') in linked(b)


# -- beside a second factor ---------------------------------------------------------------------

@pytest.fixture
def guarded(serve, provider):
    """A site whose people show a second factor if they have one."""
    return serve(merge(merge(FACTORS, nested('session.whoami.required_aal', 'highest_available')), social(provider.conf())), clock=True)


@pytest.mark.rules
def test_who_has_a_second_factor_shows_it_before_anything_is_linked(guarded, provider):
    email = new_email()
    owner = guarded.ajax()
    owner.register(email).must(200)
    app = enrol(guarded, owner)
    b, flow = collide(guarded, provider, email)
    first = b.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD}).must(303)
    half = b.fetch('login', first.flow_id).must(200)
    assert half.json['requested_aal'] == 'aal2' and linked_identifiers(guarded) == []
    give(b, half, app.next()).must(303)
    assert [m['method'] for m in b.session()['authentication_methods']] == ['password', 'totp', 'oidc']
    assert linked_identifiers(guarded) == [f'acme:sub {email}']


@pytest.mark.rules
def test_a_refresh_by_a_provider_keeps_the_second_factor(guarded, provider):
    b = guarded.ajax()
    provider.walk(b, 'registration', **person('keeper'))
    enrol(guarded, b)
    provider.walk(b, query={'refresh': 'true'}, **person('keeper'))
    assert [m['aal'] for m in b.session()['authentication_methods']] == ['aal2', 'aal1']


def linked_identifiers(site):
    return [row[0] for row in site.sql("SELECT identifier FROM identity_identifiers WHERE type = 'oidc'")]
