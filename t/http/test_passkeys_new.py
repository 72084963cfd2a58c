# SPDX-License-Identifier: Apache-2.0
"""New passkeys, of new accounts and in the settings: what is taken, what is refused without a trace, and what goes again."""
import json

import pytest

from lib.account import change, member
from lib.clients import PASSWORD, messages, new_email
from lib.keys import (ALGORITHMS, BENT, REASON, Key, add, at_one_moment, b64, bent_envelope, buttons, cbor, held_rows, in_form, listed,
                      made, passkeys, sign_in, sign_up, stored, unb64)

CROWD = 20
TAKEN, NO_WAY, NO_CHANGE = 4000007, 4010003, 4010004
pytestmark = [pytest.mark.san, pytest.mark.rules]


@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    server = start(request, database, passkeys(), clock=True)
    yield server
    end(server)


class SignUp:
    """A new account by it."""
    field = 'passkey_register'

    def __init__(self, client):
        self.client, self.email = client, new_email()
        self.flow = client.start('registration')
        self.kind = 'registration'

    def send(self, answer, flow=None):
        return self.client.submit('registration', flow or self.flow, {'method': 'passkey', 'traits': {'email': self.email}, self.field: answer})


class InSettings:
    """One more of an account that has a password."""
    field = 'passkey_settings_register'

    def __init__(self, client):
        client.email = self.email = new_email()
        client.register(self.email).must(200, 303)
        self.client, self.flow = client, client.start('settings')
        self.kind = 'settings'

    def send(self, answer, flow=None):
        return self.client.submit('settings', flow or self.flow, {'method': 'passkey', self.field: answer})


@pytest.fixture(params=[SignUp, InSettings], ids=['registration', 'settings'])
def place(request, server):
    return request.param(server.client('ajax'))


def nothing_comes_of(server, place, answer):
    """400 on the flow with a reason, and nothing is stored; the same form takes a good one afterwards."""
    before = held_rows(server)
    refused = place.send(answer)
    assert (refused.status, messages(refused)) == (400, [REASON]), refused.body
    assert held_rows(server) == before
    key = Key()
    place.send(key.create(place.flow, 'passkey_create_data')).must(200)
    sign_in(server.client('ajax'), key).must(200)


# -- what does not hold --------------------------------------------------------------------------

def bent_create(case):
    bent = dict(BENT[case])
    if bent.get('type_'):
        bent['type_'] = 'webauthn.get'
    return bent


MADE_BENT = [case for case in BENT if case not in ('another signature', 'another credential', 'eligible for backups since')]


@pytest.mark.parametrize('case', MADE_BENT)
def test_a_key_for_something_else_is_refused(server, place, case):
    nothing_comes_of(server, place, Key().create(place.flow, 'passkey_create_data', **bent_create(case)))


def cose(**members):
    """An ES256 key, changed: kty, alg, crv, x, y, n, e, k; None takes one away."""
    names = {'kty': 1, 'alg': 3, 'crv': -1, 'x': -2, 'y': -3}
    return lambda real: {k: v for k, v in {**real, **{names[n]: v for n, v in members.items()}}.items() if v is not None}


def fixed(**members):
    names = {'kty': 1, 'alg': 3, 'crv': -1, 'x': -2, 'y': -3, 'n': -1, 'e': -2, 'k': -1}
    return lambda real: {names[n]: v for n, v in members.items()}


ODD = (2 ** 2047 + 1).to_bytes(256, 'big')
KEYS = {
    'ES256K': cose(alg=-47, crv=8),
    'ES256 on the curve of ES256K': cose(crv=8),
    'ES384 on P-256': cose(alg=-35),
    'P-384 with ES256': cose(crv=2),
    'RS1': fixed(kty=3, alg=-65535, n=ODD, e=b'\1\0\1'),
    'ESP256, which was not offered': cose(alg=-9),
    'Ed25519 by its own number': fixed(kty=1, alg=-19, crv=6, x=bytes(32)),
    'Ed448': fixed(kty=1, alg=-53, crv=7, x=bytes(57)),
    'Ed448 as EdDSA': fixed(kty=1, alg=-8, crv=7, x=bytes(57)),
    'an Ed25519 key of 31 bytes': fixed(kty=1, alg=-8, crv=6, x=b'\1' * 31),
    'an Ed25519 key of 33 bytes': fixed(kty=1, alg=-8, crv=6, x=b'\1' * 33),
    'no alg': cose(alg=None),
    'no kty': cose(kty=None),
    'no x': cose(x=None),
    'no y': cose(y=None),
    'y as sign': cose(y=True),
    'x of 31 bytes': cose(x=b'\1' * 31),
    'x of 64 KB': cose(x=b'\1' * 40000),
    'a point of zeros': cose(x=bytes(32), y=bytes(32)),
    'a point off the curve': cose(x=b'\1' * 32, y=b'\2' * 32),
    'another kty': cose(kty=3),
    'a symmetric key': fixed(kty=4, alg=5, k=bytes(32)),
    'RSA, e = 1': fixed(kty=3, alg=-257, n=ODD, e=b'\1'),
    'RSA, e = 2': fixed(kty=3, alg=-257, n=ODD, e=b'\2'),
    'RSA, e = 0': fixed(kty=3, alg=-257, n=ODD, e=b'\0'),
    'RSA of 512 bits': fixed(kty=3, alg=-257, n=(2 ** 511 + 1).to_bytes(64, 'big'), e=b'\1\0\1'),
    'RSA of 32 KB': fixed(kty=3, alg=-257, n=b'\xff' * 32768, e=b'\1\0\1'),
    'RSA, n of zeros': fixed(kty=3, alg=-257, n=bytes(256), e=b'\1\0\1'),
    'alg as text': cose(alg='ES256'),
    'a float as kty': cose(kty='EC2'),
    'nothing': lambda real: {},
}


@pytest.mark.parametrize('case', KEYS)
def test_a_key_that_no_site_should_keep_is_refused(server, place, case):
    key = Key()
    odd = KEYS[case](key.key.cose())
    key.key.cose = lambda: odd
    nothing_comes_of(server, place, key.create(place.flow, 'passkey_create_data'))


def test_a_key_that_is_no_map(server, place):
    for odd in ('text', [1, 2], 7, b'bytes'):
        key = Key()
        key.key.cose = lambda odd=odd: odd
        assert messages(place.send(key.create(place.flow, 'passkey_create_data')).must(400)) == [REASON]


@pytest.mark.parametrize('size', [0, 1024, 4000])
def test_an_id_of_no_sensible_size_is_refused(server, place, size):
    key = Key()
    key.id = bytes(size)
    answer = key.create(place.flow, 'passkey_create_data', dump=False)
    answer['id'] = answer['rawId'] = b64(b'x' * 32) if not size else answer['id']
    nothing_comes_of(server, place, json.dumps(answer))


@pytest.mark.parametrize('size', [1, 16, 1023])
def test_ids_of_all_other_sizes_are_taken(server, place, size):
    key = Key()
    key.id = b'\xfe' * size if size > 1 else bytes([0x10 if place.kind == 'settings' else 0x11])
    if size > 1:
        key.id = key.id[:-4] + Key().id[-4:]
    place.send(key.create(place.flow, 'passkey_create_data')).must(200)
    sign_in(server.client('ajax'), key).must(200)


def attested(bend):
    """The attestation object, changed as bytes."""
    def make(key, flow):
        whole = key.create(flow, 'passkey_create_data', dump=False)
        whole['response']['attestationObject'] = b64(bend(unb64(whole['response']['attestationObject'])))
        return json.dumps(whole)
    return make


def enveloped(**changes):
    return bent_envelope(Key.create, 'passkey_create_data', **changes)


def statement(fmt, stmt):
    """A statement that was not asked for; authData is the last member but for `fmt`, `attStmt` before it."""
    def bend(whole):
        at = whole.index(b'hauthData')
        return b'\xa3' + cbor('fmt') + cbor(fmt) + cbor('attStmt') + cbor(stmt) + whole[at:].split(cbor('attStmt') + cbor({}))[0]
    return attested(bend)


UNFIT = {
    'text': lambda key, flow: 'hello',
    'nothing in it': lambda key, flow: '{}',
    'null': lambda key, flow: 'null',
    'behind the object': lambda key, flow: key.create(flow, 'passkey_create_data') + ' x',
    'long': lambda key, flow: json.dumps({'id': 'A' * 100000}),
    'deep': lambda key, flow: '{"a":' * 3000,
    'no attestation': enveloped(attestationObject=None),
    'an empty attestation': enveloped(attestationObject=''),
    'a number as attestation': enveloped(attestationObject=1),
    'no client data': enveloped(clientDataJSON=None),
    'another type': enveloped(type='password'),
    'no id': enveloped(id=None),
    'a padded id': enveloped(id='AAA='),
    'text as transports': enveloped(response=None),
    'truncated': attested(lambda whole: whole[:-20]),
    'bytes behind': attested(lambda whole: whole + b'\0'),
    'twice': attested(lambda whole: whole * 2),
    'an indefinite map': attested(lambda whole: b'\xbf' + whole[1:] + b'\xff'),
    'a tag before it': attested(lambda whole: b'\xc6' + whole),
    'a member twice': attested(lambda whole: b'\xa4' + whole[1:] + cbor('fmt') + cbor('none')),
    'a text of 4 GB': attested(lambda whole: b'\xa3' + b'\x7a\xff\xff\xff\xff' + whole[1:]),
    'an array of 2^60': attested(lambda whole: b'\x9b\x10' + bytes(7)),
    'deep CBOR': attested(lambda whole: b'\x81' * 20000),
    'a statement where none can be': attested(lambda whole: whole.replace(cbor('attStmt') + cbor({}), cbor('attStmt') + cbor({'x': 1}))),
    'a format that nobody knows': attested(lambda whole: whole.replace(cbor('none'), cbor('nope'))),
    'packed without a signature': attested(lambda whole: whole.replace(cbor('none'), cbor('packed'))),
    'packed with no certificate': attested(lambda whole: whole.replace(cbor('none'), cbor('packed')).replace(
        cbor('attStmt') + cbor({}), cbor('attStmt') + cbor({'alg': -7, 'sig': b'x', 'x5c': []}))),
    'fido-u2f with nothing': attested(lambda whole: whole.replace(cbor('none'), cbor('fido-u2f'))),
    'fido-u2f of nonsense': attested(lambda whole: whole.replace(cbor('none'), cbor('fido-u2f')).replace(
        cbor('attStmt') + cbor({}), cbor('attStmt') + cbor({'sig': b'x', 'x5c': [b'y']}))),
    'tpm with nothing': attested(lambda whole: whole.replace(cbor('none'), cbor('tpm'))),
    'safetynet with nothing': attested(lambda whole: whole.replace(cbor('none'), cbor('android-safetynet'))),
    'apple with nothing': attested(lambda whole: whole.replace(cbor('none'), cbor('apple'))),
    'no key in it': attested(lambda whole: whole.replace(whole[whole.index(cbor('authData')) + 9:],
                                                         cbor(bytes(37)))),
}


@pytest.mark.parametrize('case', UNFIT)
def test_what_is_no_new_key_is_said_on_the_form(server, place, case):
    nothing_comes_of(server, place, UNFIT[case](Key(), place.flow))


def test_a_signature_of_its_own_that_is_wrong(server, place):
    nothing_comes_of(server, place, Key().create(place.flow, 'passkey_create_data', fmt='packed', tamper=True))


def test_a_signature_of_its_own_is_taken_and_kept_by_its_format(server, place):
    key = Key()
    place.send(key.create(place.flow, 'passkey_create_data', fmt='packed')).must(200)
    assert stored(server, place.email)[0]['attestation_type'] == 'packed'
    sign_in(server.client('ajax'), key).must(200)


@pytest.mark.parametrize('value', [1, 1.5, True, [], {}, ['x'], {'id': 'x'}], ids=json.dumps)
def test_a_field_of_another_type_makes_nothing(server, place, value):
    before = held_rows(server)
    answer = place.send(value)
    assert answer.status == 400, answer.body
    assert held_rows(server) == before


@pytest.mark.parametrize('value', [None, ''], ids=['null', 'empty'])
def test_the_button_without_an_answer_makes_nothing(server, place, value):
    before = held_rows(server)
    answer = place.send(value)
    assert (answer.status, messages(answer)) == (400, [NO_WAY if place.kind == 'registration' else NO_CHANGE]), answer.body
    assert not [n for n in answer.json['ui']['nodes'] if n['attributes'].get('name') == 'identifier']
    assert held_rows(server) == before


# -- whose it is --------------------------------------------------------------------------------

def test_a_key_that_another_account_holds_is_said_on_the_form_and_nothing_is_stored(server, place):
    owner = server.client('ajax')
    key = sign_up(owner)
    before = held_rows(server)
    thief = key.twin()
    refused = place.send(thief.create(place.flow, 'passkey_create_data'))
    assert refused.status == 400 and messages(refused), refused.body
    assert held_rows(server) == before
    sign_in(server.client('ajax'), key).must(200)
    mine = Key()
    place.send(mine.create(place.flow, 'passkey_create_data')).must(200)
    sign_in(server.client('ajax'), mine).must(200)


def test_ids_that_are_nearly_the_same_belong_to_two(server):
    one, two = Key(), Key()
    two.id = one.id[:-1] + bytes([one.id[-1] ^ 1])
    three = Key()
    three.id = one.id + b'\0'
    clients = [server.client('ajax') for _ in range(3)]
    for client, key in zip(clients, (one, two, three)):
        sign_up(client, key)
    ids = set()
    for key in (one, two, three):
        other = server.client('ajax')
        sign_in(other, key).must(200)
        ids.add(other.session()['identity']['id'])
    assert len(ids) == 3


def test_an_answer_for_another_form_makes_nothing(server, place):
    other = type(place)(server.client('ajax'))
    nothing_comes_of(server, place, Key().create(other.flow, 'passkey_create_data'))


# -- sign-up ------------------------------------------------------------------------------------

def test_a_wrong_trait_keeps_the_question_and_the_form_goes_on(server):
    client, key = server.client('ajax'), Key()
    flow = client.start('registration')
    answer = client.submit('registration', flow, made(key, flow, 'nonsense')).must(400)
    assert answer.node('passkey_create_data') == flow.node('passkey_create_data') and not answer.node('passkey_register')
    client.submit('registration', answer, made(key, answer, new_email())).must(200)
    sign_in(server.client('ajax'), key).must(200)


def test_an_address_that_is_taken_makes_nothing_and_the_form_goes_on(server, kind):
    owner = server.client('ajax')
    sign_up(owner)
    client, key = server.client(kind), Key()
    flow = client.start('registration')
    before = held_rows(server)
    assert client.submit('registration', flow, made(key, flow, owner.email)).status == (302 if kind == 'browser' else 400)
    now = in_form(client, 'registration', flow)
    assert messages(now) == [TAKEN] and held_rows(server) == before
    client.submit('registration', now, made(key, now, new_email())).must(200, 303)
    sign_in(server.client('ajax'), key).must(200)


def test_a_form_that_is_too_old_makes_nothing(server, kind):
    client, key = server.client(kind), Key()
    flow = client.start('registration')
    before = held_rows(server)
    server.clock.forward(700)
    answer = client.submit('registration', flow, made(key, flow, new_email()))
    assert answer.status in (303, 410) and held_rows(server) == before
    if kind != 'browser':
        flow = client.fetch('registration', answer.json['use_flow_id'])
        client.submit('registration', flow, made(key, flow, new_email())).must(200)


def test_of_one_answer_that_is_sent_many_times_at_once_one_account_comes(server, kind):
    client, key = server.client(kind), Key()
    flow = client.start('registration')
    emails = [new_email() for _ in range(CROWD)]
    crowd = [again_with(server, client) for _ in emails]
    before = held_rows(server)
    answers = at_one_moment(server, [lambda c=c, e=e: c.submit('registration', flow, made(key, flow, e)) for c, e in zip(crowd, emails)])
    assert not [a for a in answers if a.status >= 500], [a.body for a in answers if a.status >= 500]
    assert sum(c.whoami().status == 200 or (kind == 'native' and a.status == 200) for c, a in zip(crowd, answers)) == 1
    after = held_rows(server)
    assert {table: after[table] - before[table] for table in ('identities', 'identity_keys')} == {'identities': 1, 'identity_keys': 1}


def again_with(server, client):
    """The same browser once more."""
    other = server.client('ajax' if client.kind == 'spa' else client.kind)
    other.cookies = dict(client.cookies)
    return other


# -- settings -----------------------------------------------------------------------------------

def test_keys_are_added_to_an_account_and_each_signs_in_and_goes(server, kind):
    client, one, two = member(server, kind), Key(), Key()
    for key in (one, two):
        add(client, key).must(200, 303)
    assert listed(client) == sorted([one.hex, two.hex])
    for key in (one, two):
        sign_in(server.client('ajax'), key).must(200)
    client.submit('settings', client.start('settings'), {'method': 'passkey', 'passkey_remove': one.hex}).must(200, 303)
    assert listed(client) == [two.hex]
    assert sign_in(server.client('ajax'), one).status == 400
    sign_in(server.client('ajax'), two).must(200)


def test_both_keys_are_added_in_one_form_and_it_asks_anew_each_time(server, kind):
    client, one, two = member(server, kind), Key(), Key()
    flow = client.start('settings')
    challenges = {flow.node('passkey_create_data')}
    for key in (one, two):
        add(client, key, flow).must(200, 303)
        flow = in_form(client, 'settings', flow)
        challenges.add(flow.node('passkey_create_data'))
    assert len(challenges) == 3 and listed(client) == sorted([one.hex, two.hex])
    excluded = json.loads(flow.node('passkey_create_data'))['publicKey']['excludeCredentials']
    assert [e['id'] for e in excluded] == [b64(one.id), b64(two.id)]


def test_a_key_that_is_listed_is_not_added_once_more(server, kind):
    client, key = member(server, kind), Key()
    add(client, key).must(200, 303)
    flow = client.start('settings')
    add(client, key, flow)
    now = in_form(client, 'settings', flow)
    assert messages(now) == [REASON] and listed(client) == [key.hex]
    node = next(n for n in now.json['ui']['nodes'] if n['messages'])
    assert node['attributes']['name'] == 'passkey_settings_register'


@pytest.mark.parametrize('bend', [lambda h: h.upper(), lambda h: h[:-1], lambda h: h + '00', lambda h: '', lambda h: 'zz', lambda h: h[:-2],
                                  lambda h: ' ' + h, lambda h: b64(bytes.fromhex(h)), lambda h: "' OR 1=1"])
def test_an_id_that_is_not_quite_that_of_a_key_removes_nothing(server, kind, bend):
    client, key = member(server, kind), Key()
    key.id = b'\xab' + key.id[1:]
    add(client, key).must(200, 303)
    flow = client.start('settings')
    answer = client.submit('settings', flow, {'method': 'passkey', 'passkey_remove': bend(key.hex)})
    assert answer.status == (303 if kind == 'browser' else 400)
    assert messages(in_form(client, 'settings', flow)) and listed(client) == [key.hex]


@pytest.mark.parametrize('value', [1, True, None, [], {}, [1]], ids=json.dumps)
def test_an_id_of_another_type_removes_nothing(server, value):
    client, key = member(server), Key()
    add(client, key).must(200)
    client.submit('settings', client.start('settings'), {'method': 'passkey', 'passkey_remove': value}).must(400)
    assert listed(client) == [key.hex]


def test_nobody_removes_what_somebody_else_has(server, kind):
    client, other, key = member(server, kind), member(server, 'ajax'), Key()
    add(other, key).must(200)
    add(client).must(200, 303)
    assert client.submit('settings', client.start('settings'), {'method': 'passkey', 'passkey_remove': key.hex}).status in (303, 400)
    assert listed(other) == [key.hex]


def test_the_only_way_in_does_not_go_and_of_two_one_does(server, kind):
    client = server.client(kind)
    one, two = sign_up(client), Key()
    only, = buttons(client)
    assert only['attributes']['disabled']
    flow = client.start('settings')
    assert client.submit('settings', flow, {'method': 'passkey', 'passkey_remove': one.hex}).status == (303 if kind == 'browser' else 400)
    node = next(n for n in in_form(client, 'settings', flow).json['ui']['nodes'] if n['messages'])
    assert node['attributes']['name'] == 'passkey_remove' and listed(client) == [one.hex]
    add(client, two).must(200, 303)
    assert [b['attributes']['disabled'] for b in buttons(client)] == [False, False]
    client.submit('settings', client.start('settings'), {'method': 'passkey', 'passkey_remove': one.hex}).must(200, 303)
    assert [b['attributes']['disabled'] for b in buttons(client)] == [True]
    sign_in(server.client('ajax'), two).must(200)


def test_two_that_remove_the_last_two_at_once_leave_one(server):
    for _ in range(4):
        client, two = server.client('native'), Key()
        one = sign_up(client)
        add(client, two).must(200)
        flows = [client.start('settings') for _ in range(2)]
        answers = at_one_moment(server, [lambda f=f, k=k: client.submit('settings', f, {'method': 'passkey', 'passkey_remove': k.hex})
                           for f, k in zip(flows, (one, two))])
        assert sorted(a.status for a in answers) in ([200, 400], [200, 409]), [a.body for a in answers]
        assert len(listed(client)) == 1


def test_a_password_and_the_last_passkey_at_once_leave_a_way_in(server):
    client = server.client('native')
    one = sign_up(client)
    change(client, method='password', password=PASSWORD)
    client.submit('settings', client.start('settings'), {'method': 'passkey', 'passkey_remove': one.hex}).must(200)
    assert listed(client) == [] and stored(server, client.email) == []
    assert sign_in(server.client('ajax'), one).status == 400
    server.client('ajax').login(client.email).must(200)


def test_who_signed_out_meanwhile_changes_nothing(server, kind):
    client, key = member(server, kind), Key()
    flow = client.start('settings')
    other = again_with(server, client)
    other.token = client.token
    client.logout().must(204, 303)
    before = held_rows(server)
    assert add(other, key, flow).status in (302, 401)
    assert held_rows(server) == before


def test_the_form_of_somebody_else_changes_nothing(server, kind):
    client, other, key = member(server, kind), member(server, kind), Key()
    flow = client.start('settings')
    before = held_rows(server)
    others = other.start('settings')
    sent = {'method': 'passkey', 'passkey_settings_register': key.create(flow, 'passkey_create_data')}
    answer = other.submit('settings', flow, sent, csrf=others.csrf) if kind != 'native' else other.submit('settings', flow, sent)
    assert answer.status in (303, 400, 403), answer.body
    assert held_rows(server) == before and listed(client) == [] and listed(other) == []


def test_of_one_new_key_that_is_sent_many_times_at_once_one_is_kept(server):
    client, key = member(server, 'native'), Key()
    flow = client.start('settings')
    answers = at_one_moment(server, [lambda: add(client, key, flow) for _ in range(CROWD)])
    assert not [a for a in answers if a.status >= 500] and 200 in [a.status for a in answers]
    assert listed(client) == [key.hex]


def test_of_many_keys_for_one_question_one_is_kept(server):
    client, keys = member(server, 'native'), [Key() for _ in range(8)]
    flow = client.start('settings')
    answers = at_one_moment(server, [lambda k=k: add(client, k, flow) for k in keys])
    assert [a.status for a in answers].count(200) == 1 and not [a for a in answers if a.status >= 500], [a.status for a in answers]
    assert len(listed(client)) == 1


def test_keys_that_are_added_at_once_in_forms_of_their_own_are_all_kept(server):
    client, keys = member(server, 'native'), [Key() for _ in range(5)]
    flows = [client.start('settings') for _ in keys]
    answers = at_one_moment(server, [lambda k=k, f=f: add(client, k, f) for k, f in zip(keys, flows)])
    kept = set(listed(client))
    assert {k.hex for k, a in zip(keys, answers) if a.status == 200} == kept
    assert not [a for a in answers if a.status >= 500], [a.body for a in answers]


def test_one_key_that_two_accounts_add_at_once_is_one_accounts(server):
    for _ in range(4):
        clients, key = [member(server, 'native') for _ in range(4)], Key()
        flows = [c.start('settings') for c in clients]
        answers = at_one_moment(server, [lambda c=c, f=f: add(c, key.twin(), f) for c, f in zip(clients, flows)])
        assert sorted(a.status for a in answers) == [200, 400, 400, 400], [a.body for a in answers]
        assert sum(len(listed(c)) for c in clients) == 1


def test_there_is_an_end_to_how_many_keys_an_account_has(server):
    client = member(server, 'native')
    keys = [Key() for _ in range(41)]
    flow = client.start('settings')
    for key in keys[:40]:
        flow = add(client, key, flow).must(200)
    answer = add(client, keys[40], flow)
    assert (answer.status, messages(answer)) == (400, [REASON])
    assert len(listed(client)) == 40
    for key in (keys[0], keys[39]):
        sign_in(server.client('ajax'), key).must(200)
    client.submit('settings', client.start('settings'), {'method': 'passkey', 'passkey_remove': keys[3].hex}).must(200)
    add(client, keys[40]).must(200)


def long_id(key, size):
    key.id += bytes(size - len(key.id))
    return key


@pytest.mark.parametrize('size', [64, 255, 1023])
def test_of_keys_with_long_ids_there_is_an_earlier_end_and_the_form_still_shows_them_all(server, size):
    client = member(server, 'native')
    flow, answers, keys = client.start('settings'), [], []
    while not answers or (answers[-1].status == 200 and len(keys) < 41):
        keys.append(long_id(Key(), size))
        answers.append(add(client, keys[-1], flow))
        flow = answers[-1]
    assert len(keys) > 4 and (answers[-1].status, messages(answers[-1])) == (400, [REASON])
    assert listed(client) == sorted(key.hex for key in keys[:-1])
    sign_in(server.client('ajax'), keys[-2]).must(200)
    client.submit('settings', client.start('settings'), {'method': 'passkey', 'passkey_remove': keys[0].hex}).must(200)
    add(client, keys[-1]).must(200)


def test_the_longest_public_keys_fit_as_many_times(server):
    client, flow = member(server, 'native'), None
    keys, pair = [Key() for _ in range(40)], Key(alg=ALGORITHMS['RS256'])
    for key in keys:
        key.alg, key.key = pair.alg, pair.key           # to make one takes its time
        flow = add(client, key, flow, fmt='packed', transports=['usb', 'nfc', 'ble', 'internal', 'hybrid']).must(200)
    assert len(listed(client)) == 40
    sign_in(server.client('ajax'), keys[39]).must(200)


@pytest.mark.parametrize('transports', [['usb'], ['made up'], ['x' * 5000], [''] * 500, [1, None, {}], 'usb', {}, ['<b>', 'us\u0000b']],
                         ids=lambda t: str(t)[:20])
def test_transports_come_back_as_they_may_and_break_nothing(server, transports):
    client, key = member(server), Key()
    flow = client.start('settings')
    answer = add(client, key, flow, transports=transports)
    assert answer.status in (200, 400), answer.body
    if answer.status == 200:
        client.start('settings').must(200)
        sign_in(server.client('ajax'), key).must(200)
