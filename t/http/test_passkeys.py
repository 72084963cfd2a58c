# SPDX-License-Identifier: Apache-2.0
"""Passkeys: accounts made by them, sign-in without a name, the settings; and what must not get in."""
import json

import pytest

from lib.clients import messages
from lib.keys import (ALGORITHMS, BENT, MISSING, OTHER_PAGE, PAGE, REASON, REFUSED, UNKNOWN, Key, asked, at_one_moment, b64, bent_envelope,
                      in_form, passkeys, sessions, shown, sign_in, sign_up, stored)
from lib.settings import UI

CROWD = 20
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    server = start(request, database, passkeys(), clock=True)
    yield server
    end(server)


# -- in and out ------------------------------------------------------------------------

def test_an_account_is_made_by_a_passkey_and_it_alone_signs_in(server, kind):
    client = server.client(kind)
    key = sign_up(client)
    whoami = client.session()
    assert whoami['identity']['traits']['email'] == client.email
    assert [m['method'] for m in whoami['authentication_methods']] == ['passkey']
    other = server.client(kind)
    answer = sign_in(other, key)
    if kind == 'browser':
        assert (answer.status, answer.location) == (303, UI + '/')
    else:
        assert answer.status == 200
    session = other.session()
    assert session['identity']['id'] == whoami['identity']['id'] and session['authenticator_assurance_level'] == 'aal1'
    assert [m['method'] for m in session['authentication_methods']] == ['passkey']


def test_what_the_browser_is_asked_for(server):
    client = server.client('ajax')
    flow = client.start('registration')
    data = json.loads(flow.node('passkey_create_data'))
    key = data['credentialOptions']['publicKey']
    assert data['displayNameFieldName'] == 'traits.email' and data['displayNameFieldNames'] == ['traits.email']
    assert key['rp'] == {'id': 'localhost', 'name': 'A site'} and len(key['user']['id']) == 86
    assert [p['alg'] for p in key['pubKeyCredParams']] == [-7, -35, -36, -257, -258, -259, -37, -38, -39, -8]
    assert key['authenticatorSelection'] == {'requireResidentKey': True, 'residentKey': 'required', 'userVerification': 'preferred'}
    login = json.loads(asked(client).node('passkey_challenge'))['publicKey']
    assert 'allowCredentials' not in login and login['rpId'] == 'localhost' and login['userVerification'] == 'preferred'


@pytest.mark.parametrize('name', ALGORITHMS)
def test_every_algorithm_that_is_offered_makes_an_account_and_signs_in(server, name):
    client = server.client('ajax')
    key = sign_up(client, Key(alg=ALGORITHMS[name]))
    sign_in(server.client('ajax'), key).must(200)
    assert stored(server, client.email)[0]['authenticator']['sign_count'] == 1


@pytest.mark.parametrize('page', [PAGE, OTHER_PAGE])
def test_any_page_of_the_site_signs_in(server, page):
    key = sign_up(server.client('ajax'))
    sign_in(server.client('ajax'), key, origin=page).must(200)


# -- what does not hold ------------------------------------------------------------------

@pytest.mark.parametrize('case', BENT)
def test_what_does_not_hold_lets_nobody_in_and_the_right_one_works_after_it(server, kind, case):
    owner = server.client('ajax')
    key = sign_up(owner)
    client = server.client(kind)
    flow = asked(client)
    answer = client.submit('login', flow, shown(key, flow, **BENT[case]))
    assert answer.status == (303 if kind == 'browser' else 400)
    now = in_form(client, 'login', flow)
    assert messages(now) == [REASON if case == 'a number as challenge' else REFUSED]
    assert not now.node('passkey_login') and client.whoami().status == 401
    key.count += 5
    sign_in(client, key, now).must(200, 303)
    assert client.whoami().status == 200


def envelope(**changes):
    return bent_envelope(Key.get, 'passkey_challenge', **changes)


UNREADABLE = {
    'text': lambda key, flow: 'hello',
    'a number': lambda key, flow: '1',
    'null': lambda key, flow: 'null',
    'an array': lambda key, flow: '[]',
    'nothing in it': lambda key, flow: '{}',
    'behind the object': lambda key, flow: key.get(flow, 'passkey_challenge') + 'x',
    'twice': lambda key, flow: key.get(flow, 'passkey_challenge') * 2,
    'deep': lambda key, flow: '[' * 5000,
    'long': lambda key, flow: json.dumps({'id': 'A' * 100000}),
    'another type': envelope(type='public'),
    'no type': envelope(type=None),
    'a number as type': envelope(type=1),
    'no id': envelope(id=None),
    'an empty id': envelope(id=''),
    'a padded id': envelope(id='AAA='),
    'no base64url as id': envelope(id='a+b/'),
    'an array as id': envelope(id=[]),
    'another rawId': envelope(rawId='AAAA'),
    'a number as rawId': envelope(rawId=5),
    'no response': envelope(response=None),
    'text as response': envelope(response='x'),
    'no authenticatorData': envelope(authenticatorData=None),
    'authenticatorData of a byte': envelope(authenticatorData='AA'),
    'authenticatorData of numbers': envelope(authenticatorData=[1, 2]),
    'bytes behind authenticatorData': envelope(authenticatorData=b64(bytes(38))),
    'no clientDataJSON': envelope(clientDataJSON=None),
    'clientDataJSON that is none': envelope(clientDataJSON=b64(b'hello')),
    'clientDataJSON of an array': envelope(clientDataJSON=b64(b'[]')),
    'clientDataJSON with a byte 0': envelope(clientDataJSON=b64(b'{"type":"\\u0000"}')),
    'a signature that is no base64url': envelope(signature='!'),
    'a userHandle that is no base64url': envelope(userHandle='!'),
}


@pytest.mark.parametrize('case', UNREADABLE)
def test_what_cannot_be_read_is_said_on_the_form(server, case):
    key = sign_up(server.client('ajax'))
    client = server.client('ajax')
    flow = asked(client)
    answer = client.submit('login', flow, {'method': 'passkey', 'passkey_login': UNREADABLE[case](key, flow)})
    assert answer.status == 400 and messages(answer) == [REASON], answer.body
    assert client.whoami().status == 401
    sign_in(client, key, flow).must(200)


@pytest.mark.parametrize('handle', [None, b'', b'x' * 64, b'\x00' * 64, bytes(range(200, 256)), b"' OR 1=1 --", b'%', b'x' * 1000])
def test_nobody_is_found_by_a_handle_that_is_not_theirs(server, handle):
    key = sign_up(server.client('ajax'))
    client = server.client('ajax')
    flow = asked(client)
    answer = client.submit('login', flow, shown(key, flow, user_handle=handle))
    assert (answer.status, messages(answer)) == (400, [UNKNOWN])
    assert client.whoami().status == 401
    sign_in(client, key, flow).must(200)


def test_the_handle_of_somebody_else_lets_in_neither_of_them(server):
    mine, theirs = sign_up(server.client('ajax')), sign_up(server.client('ajax'))
    client = server.client('ajax')
    flow = asked(client)
    answer = client.submit('login', flow, shown(mine, flow, user_handle=theirs.user_handle))
    assert (answer.status, messages(answer)) == (400, [REFUSED])
    assert client.whoami().status == 401


WRONG_TYPES = [1, 1.5, True, None, [], {}, ['x'], {'id': 'x'}]


@pytest.mark.parametrize('value', WRONG_TYPES, ids=json.dumps)
@pytest.mark.parametrize('kind', ['ajax', 'native'])
def test_a_field_of_another_type_is_an_answer_that_cannot_be_read_or_none(server, kind, value):
    client = server.client(kind)
    flow = asked(client)
    answer = client.submit('login', flow, {'method': 'passkey', 'passkey_login': value})
    assert answer.status in (400, 422), answer.body
    assert client.whoami().status == 401


@pytest.mark.parametrize('sent', [{}, {'passkey_login': ''}], ids=['nothing', 'empty'])
def test_the_button_without_an_answer(server, kind, sent):
    client = server.client(kind)
    flow = asked(client)
    answer = client.submit('login', flow, {'method': 'passkey', **sent})
    assert answer.status == {'browser': 303, 'ajax': 422, 'native': 400}[kind]
    if kind == 'native':
        assert messages(answer) == [MISSING]
    else:
        assert (answer.location or answer.json['redirect_browser_to']) == f'{UI}/login?flow={flow.flow_id}'


# -- once ----------------------------------------------------------------------------------

def test_an_answer_is_good_for_the_form_that_asked_only(server, kind):
    key = sign_up(server.client('ajax'))
    client, other = server.client(kind), server.client(kind)
    flow, others = asked(client), asked(other)
    assert other.submit('login', others, shown(key, flow)).status in (303, 400)
    assert messages(in_form(other, 'login', others)) == [REFUSED] and other.whoami().status == 401


def test_the_same_form_once_more_after_it_let_somebody_in_is_no_error_of_the_server(server, kind):
    key = sign_up(server.client('ajax'))
    client = server.client(kind)
    flow = asked(client)
    before, sent = dict(client.cookies), shown(key, flow)
    client.submit('login', flow, sent).must(200, 303)
    thief = server.client(kind)
    thief.cookies = before                                  # as the browser had them when the form was shown
    answer = thief.submit('login', flow, sent)
    assert answer.status in (303, 400) and thief.whoami().status == 401
    now = in_form(thief, 'login', flow)
    assert messages(now) == [REASON]
    sign_in(thief, key, now).must(200, 303)                 # it asks anew, and goes on


def test_of_one_answer_that_is_sent_many_times_at_once_one_signs_in(server):
    owner = server.client('native')
    key = sign_up(owner)
    crowd = [server.client('native') for _ in range(CROWD)]
    flow = asked(crowd[0])
    sent = shown(key, flow)
    before = sessions(server, owner.email)
    answers = at_one_moment(server, [lambda c=c: c.submit('login', flow, sent) for c in crowd])
    assert sorted(a.status for a in answers) == [200] + [400] * (CROWD - 1), [a.body for a in answers if a.status not in (200, 400)]
    assert sessions(server, owner.email) == before + 1


def test_the_owner_finds_an_account_that_has_a_passkey_alone_by_its_address(server):
    client = server.client('ajax')
    key = sign_up(client)
    factor, = server.ctl.json('identity', 'factors', client.email)
    assert (factor['type'], factor['first'], factor['second']) == ('passkey', True, False)
    assert factor['key'] == key.hex
