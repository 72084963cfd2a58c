# SPDX-License-Identifier: Apache-2.0
"""Making an account: the three kinds of client, the styles, the policy, and two people at once."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.clients import PASSWORD, error_id, messages, new_email
from lib.settings import UI

pytestmark = pytest.mark.san
TWO_STEPS = {'selfservice': {'flows': {'registration': {'enable_legacy_one_step': False}}}}
NO_SESSION = {'selfservice': {'flows': {'registration': {'after': {'password': {'hooks': None}}}}}}


def node_messages(flow, name):
    return [m['id'] for n in flow.json['ui']['nodes'] if n['attributes'].get('name') == name for m in n['messages']]


def test_a_new_account_is_signed_in_at_once(server, kind):
    client, email = server.client(kind), new_email()
    client.register(email, name='Ana').must(200, 303)
    identity = client.session()['identity']
    assert identity['traits'] == {'email': email, 'name': 'Ana'}
    assert identity['state'] == 'active' and identity['schema_id'] == 'person'


def test_a_native_client_is_told_its_token_twice(server):
    answer = server.native().register(new_email()).must(200)
    assert answer.json['continue_with'] == [{'action': 'set_ory_session_token',
                                             'ory_session_token': answer.json['session_token']}]


def test_without_the_session_hook_nobody_is_signed_in(serve, kind):
    server = serve(NO_SESSION)
    client, email = server.client(kind), new_email()
    answer = client.register(email).must(200, 303)
    assert client.whoami().status == 401
    if kind != 'browser':
        assert 'session' not in answer.json and answer.json['identity']['traits']['email'] == email
    assert server.client(kind).login(email).status in (200, 303)


def test_a_taken_address_is_told_on_the_form(server, kind):
    email = new_email()
    server.native().register(email).must(200)
    client = server.client(kind)
    answer = client.step('registration', client.start('registration'),
                         {'method': 'password', 'password': PASSWORD, 'traits': {'email': email.upper()}})
    assert 4000007 in messages(answer)
    assert client.whoami().status == 401


def test_of_two_people_who_register_one_address_at_the_same_instant_one_wins(server):
    for _ in range(8):
        email = new_email('race')
        clients = [server.native() for _ in range(4)]
        flows = [c.start('registration') for c in clients]

        def submit(pair):
            return pair[0].submit('registration', pair[1], {'method': 'password', 'password': PASSWORD,
                                                            'traits': {'email': email}})
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(submit, zip(clients, flows)))
        assert sorted(a.status for a in answers) == [200, 400, 400, 400]
        assert all(4000007 in messages(a) for a in answers if a.status == 400)
        assert server.native().login(email).status == 200


# -- two steps ---------------------------------------------------------------------

def test_two_steps_ask_for_the_profile_then_for_the_password(serve, kind):
    server = serve(TWO_STEPS)
    client, email = server.client(kind), new_email()
    flow = client.start('registration')
    names = [n['attributes'].get('name') for n in flow.json['ui']['nodes']]
    assert 'traits.email' in names and 'password' not in names
    second = client.step('registration', flow, {'method': 'profile', 'traits': {'email': email, 'name': 'Ana'}})
    assert any(n['attributes'].get('name') == 'password' for n in second.json['ui']['nodes'])
    done = client.submit('registration', second, {'method': 'password', 'password': PASSWORD,
                                                  'traits': {'email': email, 'name': 'Ana'}})
    assert done.status in (200, 303), done.body
    client._keep_token(done)
    assert client.session()['identity']['traits']['name'] == 'Ana'


def test_one_can_go_back_to_the_profile_without_losing_it(serve, kind):
    server = serve(TWO_STEPS)
    client, email = server.client(kind), new_email()
    second = client.step('registration', client.start('registration'), {'method': 'profile', 'traits': {'email': email}})
    back = client.step('registration', second, {'method': 'profile', 'screen': 'previous', 'traits': {'email': email}})
    assert back.node('traits.email') == email
    assert not any(n['attributes'].get('name') == 'password' for n in back.json['ui']['nodes'])


def test_a_taken_address_is_found_at_the_second_step(serve):
    server = serve(TWO_STEPS)
    email = new_email()
    first = server.ajax()
    second = first.step('registration', first.start('registration'), {'method': 'profile', 'traits': {'email': email}})
    first.submit('registration', second, {'method': 'password', 'password': PASSWORD, 'traits': {'email': email}}).must(200)
    other = server.ajax()
    second = other.step('registration', other.start('registration'), {'method': 'profile', 'traits': {'email': email}})
    answer = other.submit('registration', second, {'method': 'password', 'password': PASSWORD, 'traits': {'email': email}})
    assert answer.status == 400 and 4000007 in messages(answer)


# -- what the schema and the policy say ----------------------------------------------

@pytest.mark.parametrize('traits, node, message', [
    ({'email': 'no address'}, 'traits.email', 4000040),
    ({}, 'traits.email', 4000002),
    ({'email': 'ok@example.org', 'name': 'x' * 101}, 'traits.name', 4000017),
])
def test_what_the_schema_forbids_is_told_beside_the_field(server, kind, traits, node, message):
    client = server.client(kind)
    answer = client.step('registration', client.start('registration'),
                         {'method': 'password', 'password': PASSWORD, 'traits': traits})
    assert message in node_messages(answer, node)


@pytest.mark.parametrize('password, message', [
    ('short', 4000032),
    ('', 4000002),
    ('longenough.person', 4000031),
])
def test_a_weak_password_is_told_beside_the_field(server, kind, password, message):
    client = server.client(kind)
    answer = client.step('registration', client.start('registration'),
                         {'method': 'password', 'password': password, 'traits': {'email': 'longenough.person@example.org'}})
    assert message in node_messages(answer, 'password')


def test_nobody_is_registered_by_a_refused_form(server):
    client, email = server.native(), new_email()
    client.submit('registration', client.start('registration'),
                  {'method': 'password', 'password': 'short', 'traits': {'email': email}}).must(400)
    assert client.register(email).status == 200


def test_registration_can_be_closed(serve, kind):
    server = serve({'selfservice': {'flows': {'registration': {'enabled': False}}}})
    client = server.client(kind)
    answer = client.init('registration')
    if kind == 'browser':
        assert answer.status == 303 and answer.location.startswith(UI + '/error?id=')
    else:
        assert answer.status == 400 and error_id(answer) == 'self_service_flow_disabled'


def test_somebody_who_is_signed_in_does_not_register(server, kind):
    client = server.client(kind)
    client.register(new_email())
    answer = client.init('registration')
    if kind == 'browser':
        assert answer.status == 303 and answer.location == UI + '/'
    else:
        assert answer.status == 400 and error_id(answer) == 'session_already_available'


def test_transient_payload_is_taken_and_not_kept(server):
    client = server.native()
    flow = client.start('registration')
    answer = client.submit('registration', flow, {'method': 'password', 'password': PASSWORD,
                                                  'traits': {'email': new_email()}, 'transient_payload': {'cart': 'xyzzy'}})
    assert answer.status == 200
    assert b'xyzzy' not in client.fetch('registration', flow.flow_id).body
