# SPDX-License-Identifier: Apache-2.0
"""What the forms of keys and recovery codes show after requests that go another way than the usual one, as clients of Kratos know them."""
import json

import pytest

from lib.account import account, member, refresh
from lib.clients import error_id, messages
from lib.factors import enrol_codes
from lib.keys import MISSING, REASON, REFUSED, UNKNOWN, Key, add_key, asked, in_form, passkeys, security_keys, shown, sign_up, tapped
from lib.settings import merge, nested

ASKED_AGAIN, STEP_UP, PRESS, NO_METHOD, TAKEN = 1010003, 1010004, 1010012, 4010002, 4000007
NAMES = 'webauthn_register_displayname'
COOKIES = ['browser', 'ajax']


def started(request, database, *trees, **options):
    from conftest import start
    tree = {}
    for more in trees:
        tree = merge(tree, more)
    return start(request, database, tree, **options)


@pytest.fixture(scope='module')
def server(request, database):
    """Security keys as the first factor, and recovery codes."""
    from conftest import end
    server = started(request, database, security_keys(first=True), nested('selfservice.methods.lookup_secret.enabled', True),
                     nested('selfservice.flows.settings.required_aal', 'aal1'), nested('session.whoami.required_aal', 'aal1'))
    yield server
    end(server)


@pytest.fixture(scope='module')
def second(request, database):
    """Security keys as a second factor alone."""
    from conftest import end
    server = started(request, database, security_keys())
    yield server
    end(server)


@pytest.fixture(scope='module')
def named_first(request, database):
    """Passkeys where people are asked first who they are."""
    from conftest import end
    server = started(request, database, passkeys(), nested('selfservice.flows.login.style', 'identifier_first'))
    yield server
    end(server)


@pytest.fixture(scope='module')
def two_screens(request, database):
    """Security keys sign people up, on a screen of their own."""
    from conftest import end
    server = started(request, database, security_keys(first=True), nested('selfservice.flows.registration.enable_legacy_one_step', False))
    yield server
    end(server)


@pytest.fixture(scope='module')
def apps(request, database):
    """Authenticator apps; changes ask for a sign-in of the last minute."""
    from conftest import end
    server = started(request, database, account(), nested('selfservice.methods.totp.enabled', True),
                     nested('selfservice.flows.settings.privileged_session_max_age', '1m'), clock=True)
    yield server
    end(server)


def challenge(flow):
    return json.loads(flow.node('webauthn_login_trigger'))['publicKey']['challenge']


def has_value(flow, name):
    return ['value' in n['attributes'] for n in flow.json['ui']['nodes'] if n['attributes'].get('name') == name]


def by_key(server, kind):
    """An account that has a password and a first key; a client with a session of it."""
    client, key = member(server, kind), Key()
    assert add_key(client, key).status in (200, 303)
    return client, key


# -- who it is, is said first ---------------------------------------------------------------

@pytest.mark.parametrize('kind', COOKIES)
def test_naming_oneself_once_more_asks_anew(server, kind):
    client, _ = by_key(server, kind)
    other = server.client(kind)
    flow, seen = asked(other), []
    for _ in range(2):
        other.submit('login', flow, {'method': 'webauthn', 'identifier': client.email})
        now = in_form(other, 'login', flow)
        assert messages(now) == [PRESS]
        seen.append(challenge(now))
    assert seen[0] != seen[1]


@pytest.mark.parametrize('kind', COOKIES)
def test_who_confirms_a_sign_in_by_a_key_is_still_told_so_when_the_key_is_asked_for(server, kind):
    client, _ = by_key(server, kind)
    flow = asked(client, refresh='true')
    client.submit('login', flow, {'method': 'webauthn', 'identifier': client.email})
    assert messages(in_form(client, 'login', flow)) == [ASKED_AGAIN, PRESS]


def test_a_refresh_where_keys_are_second_factors_knows_of_no_first_one(second):
    client = member(second, 'ajax')
    add_key(client).must(200)
    answer = client.submit('login', asked(client, refresh='true'), {'method': 'webauthn', 'identifier': client.email})
    assert (answer.status, messages(answer)) == (400, [UNKNOWN])


def test_without_a_session_keys_of_a_second_factor_are_no_method(second):
    client = second.client('ajax')
    answer = client.submit('login', asked(client), {'method': 'webauthn', 'identifier': 'ana@example.org'})
    assert (answer.status, messages(answer)) == (400, [NO_METHOD])


# -- the second factor ----------------------------------------------------------------------

@pytest.mark.parametrize('named', [{}, {'identifier': ''}, {'identifier': None}], ids=json.dumps)
def test_an_answer_without_a_name_is_not_kept_in_the_form(second, named):
    client, key = member(second, 'ajax'), Key()
    add_key(client, key).must(200)
    flow = asked(client, aal='aal2', refresh='true')
    sent = tapped(key, flow)
    del sent['identifier']
    answer = client.submit('login', flow, {**sent, **named})
    assert answer.status == 400 and has_value(answer, 'webauthn_login') == [False]
    client.submit('login', flow, tapped(key, flow)).must(200)


def test_what_a_method_of_the_first_step_cannot_take_goes_to_the_key(second):
    client, key = member(second, 'ajax'), Key()
    add_key(client, key).must(200)
    flow = asked(client, aal='aal2', refresh='true')
    client.submit('login', flow, {**tapped(key, flow), 'method': 'password'}).must(200)


def test_an_apps_form_of_second_factors_is_empty_where_there_is_none_for_apps(second):
    client = member(second, 'native')
    assert asked(client, aal='aal2').json['ui']['nodes'] is None


# -- the name of a key -----------------------------------------------------------------------

@pytest.mark.parametrize('kind', COOKIES)
def test_settings_forget_the_name_of_a_key_that_does_not_hold(second, kind):
    client = member(second, kind)
    flow = client.start('settings')
    client.submit('settings', flow, {'method': 'webauthn', 'webauthn_register': 'hello', NAMES: 'Mine'})
    now = in_form(client, 'settings', flow)
    assert messages(now) == [REASON] and now.node(NAMES) == ''


@pytest.mark.parametrize('kind', COOKIES)
def test_a_registration_keeps_the_name_of_a_key_that_does_not_hold_and_no_other(server, kind):
    client = server.client(kind)
    flow = client.start('registration')
    for made, traits, kept in (('hello', {'email': 'ana@example.org'}, 'Mine'), (None, {'email': 'nonsense'}, '')):
        flow = client.start('registration')
        made = made or Key().create(flow, 'webauthn_register_trigger')
        client.submit('registration', flow, {'method': 'webauthn', 'traits': traits, 'webauthn_register': made, NAMES: 'Mine'})
        assert in_form(client, 'registration', flow).node(NAMES) == kept


# -- the rest ----------------------------------------------------------------------------------

def test_who_has_a_passkey_alone_is_known_by_name(named_first, kind):
    owner = named_first.client('ajax')
    sign_up(owner)
    client = named_first.client(kind)
    flow = asked(client)
    client.submit('login', flow, {'method': 'identifier_first', 'identifier': owner.email})
    now = in_form(client, 'login', flow)
    identifier = next(n for n in now.json['ui']['nodes'] if n['attributes'].get('name') == 'identifier')
    assert identifier['attributes']['type'] == 'hidden' and identifier['messages'] == [] and now.json['active'] == 'identifier_first'
    assert now.node('passkey_login_trigger') == '' and now.node('method') is None


def test_showing_recovery_codes_leaves_what_the_form_says_of_the_last_change(server, kind):
    client = member(server, kind)
    enrol_codes(client)
    flow = client.start('settings')
    client.submit('settings', flow, {'method': 'profile', 'traits': {'email': client.email}})
    assert in_form(client, 'settings', flow).json['state'] == 'success'
    client.submit('settings', flow, {'method': 'lookup_secret', 'lookup_secret_reveal': True})
    assert in_form(client, 'settings', flow).json['state'] == 'success'


def test_who_has_a_passkey_alone_confirms_a_sign_in_by_it_and_by_nobody_elses(named_first, kind):
    client, other = named_first.client(kind), named_first.client('ajax')
    key, others = sign_up(client), sign_up(other)
    flow = asked(client, refresh='true')
    assert flow.node('passkey_challenge') and flow.node('method') is None
    mine = client.session()['identity']['id']
    client.submit('login', flow, shown(others, flow))
    now = in_form(client, 'login', flow)
    assert messages(now) == [REFUSED] and client.session()['identity']['id'] == mine
    client.submit('login', now, shown(key, now)).must(200, 303)


def test_a_name_to_sign_in_by_with_a_password_is_taken_by_who_has_a_passkey_alone(named_first, kind):
    owner = named_first.client('ajax')
    sign_up(owner)
    client = named_first.client(kind)
    flow = client.start('registration')
    client.submit('registration', flow, {'method': 'password', 'password': 'a-Horse-of-another-colour-7', 'traits': {'email': owner.email}})
    assert messages(in_form(client, 'registration', flow)) == [TAKEN]


@pytest.mark.parametrize('code, said', [({'totp_code': '000000'}, 4000008), ({'totp_code': ''}, MISSING), ({}, MISSING)], ids=['wrong', 'empty', 'none'])
def test_an_old_session_does_not_learn_whether_the_code_of_an_app_is_right(apps, kind, code, said):
    client = member(apps, kind)
    flow = client.start('settings')
    apps.clock.forward(120)
    answer = client.submit('settings', flow, {'method': 'totp', **code})
    if kind != 'browser':
        assert (answer.status, error_id(answer)) == (403, 'session_refresh_required')
        return
    assert answer.status == 303 and 'refresh=true' in answer.location
    assert not [n for n in in_form(client, 'settings', flow).json['ui']['nodes'] if n['messages']]
    refresh(client, answer)
    client.get('/self-service/settings', {'flow': flow.flow_id})
    field = next(n for n in in_form(client, 'settings', flow).json['ui']['nodes'] if n['attributes'].get('name') == 'totp_code')
    assert [m['id'] for m in field['messages']] == [said]


@pytest.mark.parametrize('kind', COOKIES)
def test_a_form_that_let_somebody_in_says_what_it_said_when_it_was_sent(second, kind):
    owner, key = member(second), Key()
    add_key(owner, key).must(200)
    client = second.client(kind)
    client.login(owner.email).must(200, 303)
    flow = asked(client, aal='aal2')
    assert messages(flow) == [STEP_UP]
    client.submit('login', flow, tapped(key, flow)).must(200, 303)
    now = in_form(client, 'login', flow)
    assert messages(now) == [STEP_UP] and has_value(now, 'webauthn_login') == [True]


@pytest.mark.parametrize('kind', COOKIES)
def test_the_script_of_every_screen_has_a_nonce_of_its_own(two_screens, kind):
    client = two_screens.client(kind)
    traits, seen = {'email': 'ana@example.org'}, set()
    flow = client.start('registration')
    for _ in range(2):
        client.submit('registration', flow, {'method': 'profile', 'traits': traits})
        script = next(n for n in in_form(client, 'registration', flow).json['ui']['nodes'] if n['attributes'].get('id') == 'webauthn_script')
        seen.add(script['attributes']['nonce'])
    assert len(seen) == 2
