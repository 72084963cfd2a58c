# SPDX-License-Identifier: Apache-2.0
"""Keys beside the rest: sign-up in two steps, sign-in that asks for the name first, hints, and settings that ask for a fresh sign-in."""
import json

import pytest

from lib.account import member
from lib.clients import PASSWORD, messages, new_email
from lib.keys import Key, add, asked, both, held_rows, in_form, listed, made, passkeys, sign_in, sign_up
from lib.settings import merge, nested

HINTS = 4000028
LATE = 120
pytestmark = pytest.mark.san
FIRST = nested('selfservice.flows.login.style', 'identifier_first')


def one_of(*trees):
    @pytest.fixture(scope='module')
    def it(request, database):
        from conftest import end, start
        tree = {}
        for part in trees:
            tree = merge(tree, part)
        server = start(request, database, tree, clock=True)
        yield server
        end(server)
    return it


two_steps = one_of(passkeys(), {'selfservice': {'flows': {'registration': {'enable_legacy_one_step': False}}}})
named = one_of(passkeys(), FIRST)
hidden = one_of(passkeys(), FIRST, nested('security.account_enumeration.mitigate', True))
strict = one_of(both(), nested('selfservice.flows.settings.privileged_session_max_age', '1m'))
hinting = one_of(passkeys(), nested('selfservice.flows.registration.login_hints', True))


# -- two steps --------------------------------------------------------------------------

def test_who_they_are_is_asked_first_and_then_the_passkey(two_steps, kind):
    client, key, email = two_steps.client(kind), Key(), new_email()
    flow = client.start('registration')
    assert flow.node('passkey_create_data') is None
    client.submit('registration', flow, {'method': 'profile', 'traits': {'email': email}})
    flow = in_form(client, 'registration', flow)
    assert flow.node('traits.email') == email
    answer = client.submit('registration', flow, made(key, flow, email)).must(200, 303)
    client._keep_token(answer)
    assert client.session()['identity']['traits']['email'] == email
    sign_in(two_steps.client(kind), key).must(200, 303)


def test_going_back_and_forth_keeps_the_question(two_steps, kind):
    client, key, email = two_steps.client(kind), Key(), new_email()
    flow = client.start('registration')
    client.submit('registration', flow, {'method': 'profile', 'traits': {'email': new_email()}})
    flow = in_form(client, 'registration', flow)
    client.submit('registration', flow, {'method': 'profile', 'screen': 'previous', 'traits': {'email': email}})
    flow = in_form(client, 'registration', flow)
    client.submit('registration', flow, {'method': 'profile', 'traits': {'email': email}})
    flow = in_form(client, 'registration', flow)
    client.submit('registration', flow, made(key, flow, email)).must(200, 303)
    sign_in(two_steps.client('ajax'), key).must(200)


def test_a_passkey_before_the_form_asked_for_one_makes_nothing(two_steps):
    client, other = two_steps.client('ajax'), two_steps.client('ajax')
    flow, theirs = client.start('registration'), other.start('registration')
    other.submit('registration', theirs, {'method': 'profile', 'traits': {'email': new_email()}})
    theirs = in_form(other, 'registration', theirs)
    before = held_rows(two_steps)
    client.submit('registration', flow, made(Key(), theirs, new_email())).must(400)
    assert held_rows(two_steps) == before


# -- the name first ---------------------------------------------------------------------

def names(flow):
    return {n['attributes'].get('name') for n in flow.json['ui']['nodes']}


def name_self(client, email):
    flow = asked(client)
    client.submit('login', flow, {'method': 'identifier_first', 'identifier': email})
    return in_form(client, 'login', flow)


def test_a_passkey_waits_beside_the_field_for_the_name_and_needs_none(named, kind):
    key = sign_up(named.client('ajax'))
    client = named.client(kind)
    flow = asked(client)
    assert {'identifier', 'passkey_challenge', 'passkey_login'} <= names(flow)
    sign_in(client, key, flow).must(200, 303)
    assert client.whoami().status == 200


def test_whoever_has_one_is_offered_it_and_who_has_none_is_not(named, kind):
    owner, plain, alone = member(named), member(named), named.client('ajax')
    key = Key()
    add(owner, key).must(200)
    sign_up(alone)
    flow = name_self(named.client(kind), owner.email)
    assert {'passkey_login_trigger', 'password'} <= names(flow)
    flow = name_self(named.client(kind), plain.email)
    assert 'password' in names(flow) and 'passkey_login_trigger' not in names(flow)
    flow = name_self(named.client(kind), alone.email)
    assert 'passkey_login_trigger' in names(flow) and 'password' not in names(flow), messages(flow)


def test_after_the_name_it_signs_in(named, kind):
    owner, key = member(named), Key()
    add(owner, key).must(200)
    client = named.client(kind)
    flow = name_self(client, owner.email)
    sign_in(client, key, flow).must(200, 303)
    assert client.session()['identity']['traits']['email'] == owner.email


def test_nobody_is_told_apart_where_that_is_hidden(hidden, kind):
    owner, plain, alone = member(hidden), member(hidden), hidden.client('ajax')
    add(owner).must(200)
    sign_up(alone)
    seen = []
    for email in (owner.email, plain.email, alone.email, new_email('nobody')):
        flow = name_self(hidden.client(kind), email)
        nodes = [{**n, 'attributes': {k: v for k, v in n['attributes'].items() if k not in ('value', 'nonce')}} for n in flow.json['ui']['nodes']]
        seen.append(json.dumps([nodes, messages(flow)], sort_keys=True))
    assert len(set(seen)) == 1


# -- hints --------------------------------------------------------------------------------

@pytest.mark.parametrize('by', ['password', 'passkey'])
def test_who_has_an_account_already_is_told_how_they_sign_in_and_by_their_own_name(hinting, by):
    owner, client = hinting.client('ajax'), hinting.client('ajax')
    key = sign_up(owner)
    flow = client.start('registration')
    body = made(Key(), flow, owner.email) if by == 'passkey' else {'method': 'password', 'password': PASSWORD, 'traits': {'email': owner.email}}
    answer = client.submit('registration', flow, body).must(400)
    assert messages(answer) == [HINTS]
    context = answer.json['ui']['messages'][0]['context']
    assert context['credential_identifier_hint'] == owner.email and 'passkey' in context['available_credential_types'], context
    assert key.user_handle.decode() not in answer.body.decode()


# -- a fresh sign-in -------------------------------------------------------------------------

def test_a_browser_that_signed_in_long_ago_confirms_it_and_the_key_is_added(strict):
    client, key = member(strict, 'browser'), Key()
    flow = client.start('settings')
    strict.clock.forward(LATE)
    answer = add(client, key, flow)
    assert answer.status == 303 and '/login/browser?refresh=true' in answer.location, answer.location
    before = held_rows(strict)
    begun = client.get(answer.location).must(303)
    login = client.fetch('login', begun.flow_id)
    back = client.submit('login', login, {'method': 'password', 'identifier': client.email, 'password': PASSWORD}).must(303)
    client.get(back.location)
    assert listed(client) == [key.hex] and held_rows(strict)['identity_keys'] == before['identity_keys'] + 1
    sign_in(strict.client('ajax'), key).must(200)


def test_programs_are_told_to_sign_in_again_and_nothing_is_stored(strict):
    for kind in ('ajax', 'native'):
        client, key = member(strict, kind), Key()
        flow = client.start('settings')
        strict.clock.forward(LATE)
        before = held_rows(strict)
        answer = add(client, key, flow)
        assert (answer.status, answer.json['error']['id']) == (403, 'session_refresh_required')
        assert held_rows(strict) == before


def test_a_key_is_removed_only_by_who_signed_in_a_moment_ago(strict):
    client, key = member(strict), Key()
    add(client, key).must(200)
    flow = client.start('settings')
    strict.clock.forward(LATE)
    client.submit('settings', flow, {'method': 'passkey', 'passkey_remove': key.hex}).must(403)
    sign_in(client, key, asked(client, refresh='true')).must(200)
    client.submit('settings', flow, {'method': 'passkey', 'passkey_remove': key.hex}).must(200)
    assert listed(client) == []


def test_a_key_that_somebody_else_added_meanwhile_is_not_added_by_what_waited(strict):
    client, other, key = member(strict, 'browser'), member(strict), Key()
    flow = client.start('settings')
    strict.clock.forward(LATE)
    answer = add(client, key, flow)
    fresh = strict.client('ajax')
    fresh.login(other.email).must(200)
    add(fresh, key.twin()).must(200)
    login = client.fetch('login', client.get(answer.location).must(303).flow_id)
    back = client.submit('login', login, {'method': 'password', 'identifier': client.email, 'password': PASSWORD}).must(303)
    after = client.get(back.location)
    assert after.status < 500 and listed(client) == [] and listed(fresh) == [key.hex]
