# SPDX-License-Identifier: Apache-2.0
"""Security keys: the second factor of whoever has a password, or the first one where the settings say so."""
import json

import pytest

from lib.account import member
from lib.clients import PASSWORD, messages, new_email
from lib.factors import again, level
from lib.keys import (ALGORITHMS, BENT, MISSING, PAGE, REASON, REFUSED, TOO_LONG, UNKNOWN, Key, add, add_key, asked, at_one_moment, b64, both, buttons,
                      held_rows, in_form, listed, security_keys, sessions, shown, sign_in, stored, tap, tapped)
from lib.settings import merge, nested

NAMED = 1010012
pytestmark = pytest.mark.san
COOKIES = pytest.mark.parametrize('kind', ['browser', 'ajax'])


@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    server = start(request, database, both(), clock=True)
    yield server
    end(server)


@pytest.fixture(scope='module')
def first(request, database):
    """A site where a key is the first factor, beside passwords and passkeys."""
    from conftest import end, start
    server = start(request, database, merge(security_keys(first=True), nested('selfservice.methods.passkey', {
        'enabled': True, 'config': {'rp': {'id': 'localhost', 'origins': [PAGE]}}})), clock=True)
    yield server
    end(server)


def owner_of(server, key=None, kind='ajax'):
    """Somebody with a password and a key; both."""
    owner, key = member(server, kind), key or Key()
    add_key(owner, key).must(200, 303)
    return owner, key


# -- as second factor --------------------------------------------------------------------------

@COOKIES
def test_a_key_is_added_shown_as_the_second_factor_and_removed(server, kind):
    owner, key = member(server, kind), Key()
    other = again(server, owner, kind)
    add_key(owner, key, 'Blue one').must(200, 303)
    assert level(owner) == 'aal2' and level(other) == 'aal1'
    button, = buttons(owner, 'webauthn_remove')
    assert button['attributes']['value'] == key.hex and 'Blue one' in button['meta']['label']['text']
    tap(other, key).must(200, 303)
    assert level(other) == 'aal2'
    assert [m['method'] for m in other.session()['authentication_methods']] == ['password', 'webauthn']
    owner.submit('settings', owner.start('settings'), {'webauthn_remove': key.hex}).must(200, 303)
    assert buttons(owner, 'webauthn_remove') == [] and level(again(server, owner)) == 'aal1'


@pytest.mark.parametrize('name', ALGORITHMS)
def test_every_algorithm_that_is_offered(server, name):
    owner, key = owner_of(server, Key(alg=ALGORITHMS[name]))
    other = again(server, owner, 'ajax')
    tap(other, key).must(200)
    assert level(other) == 'aal2'


def test_what_is_asked_names_the_persons_keys_with_their_transports(server):
    owner, one, two = member(server), Key(), Key()
    add_key(owner, one, transports=['usb', 'nfc']).must(200)
    add_key(owner, two).must(200)
    flow = asked(again(server, owner, 'ajax'), aal='aal2')
    options = json.loads(flow.node('webauthn_login_trigger'))['publicKey']
    assert options['allowCredentials'] == [{'type': 'public-key', 'id': b64(one.id), 'transports': ['usb', 'nfc']},
                                           {'type': 'public-key', 'id': b64(two.id)}]
    assert options['userVerification'] == 'discouraged' and options['timeout'] == 120000


@pytest.mark.parametrize('case', BENT)
@COOKIES
def test_what_does_not_hold_proves_nothing_and_the_right_one_works_after_it(server, kind, case):
    owner, key = owner_of(server)
    client = again(server, owner, kind)
    flow = asked(client, aal='aal2')
    assert tap(client, key, flow, **BENT[case]).status == (303 if kind == 'browser' else 400)
    now = in_form(client, 'login', flow)
    assert [m for m in messages(now) if m in (REFUSED, REASON)] == [REASON if case == 'a number as challenge' else REFUSED]
    assert not now.node('webauthn_login') and level(client) == 'aal1'
    key.count += 5
    tap(client, key, now).must(200, 303)
    assert level(client) == 'aal2'


@pytest.mark.parametrize('value', ['hello', '{}', '[]', 'null', '1', '{"id":"AAAA","rawId":"AAAA","type":"public-key"}', 1, True, None, [], {}],
                         ids=json.dumps)
def test_what_cannot_be_read_is_said_on_the_form(server, value):
    owner, key = owner_of(server)
    client = again(server, owner, 'ajax')
    flow = asked(client, aal='aal2')
    answer = client.submit('login', flow, {'method': 'webauthn', 'identifier': owner.email, 'webauthn_login': value})
    assert answer.status == 400 and REASON in messages(answer), answer.body
    assert level(client) == 'aal1'
    tap(client, key, flow).must(200)


def test_the_method_without_an_answer_and_an_answer_without_a_name(server):
    owner, key = owner_of(server)
    client = again(server, owner, 'ajax')
    flow = asked(client, aal='aal2')
    assert REASON in messages(client.submit('login', flow, {'method': 'webauthn'}).must(400))
    sent = tapped(key, flow)
    del sent['identifier']
    assert MISSING in messages(client.submit('login', flow, sent).must(400))
    assert level(client) == 'aal1'
    tap(client, key, flow).must(200)


@pytest.mark.parametrize('name', ['somebody.else@example.org', 'x', "' OR 1=1", '\u0000x', 'x' * 10000], ids=lambda n: n[:10])
def test_any_name_does_as_the_session_says_who_it_is(server, name):
    owner, key = owner_of(server)
    stranger, _ = owner_of(server)
    client = again(server, owner, 'ajax')
    flow = asked(client, aal='aal2')
    answer = client.submit('login', flow, {**tapped(key, flow), 'identifier': name if name[:1] != 's' else stranger.email})
    assert answer.status in (200, 400) and (answer.status == 200 or '\u0000' in name)
    assert client.session()['identity']['traits']['email'] == owner.email


def test_whoever_has_no_key_is_told_so(server):
    owner, key = member(server), Key()
    client = again(server, owner, 'ajax')
    flow = asked(client, aal='aal2')
    assert flow.node('webauthn_login_trigger') is None
    other, _ = owner_of(server, key)
    theirs = asked(again(server, other, 'ajax'), aal='aal2')
    answer = client.submit('login', flow, {**tapped(key, theirs), 'identifier': owner.email})
    assert answer.status == 400 and UNKNOWN in messages(answer), answer.body
    assert level(client) == 'aal1'


def test_a_key_needs_the_first_factor_before_it(server):
    owner, key = owner_of(server)
    stranger = server.client('ajax')
    flow = asked(stranger)
    assert flow.node('webauthn_login_trigger') is None
    theirs = asked(again(server, owner, 'ajax'), aal='aal2')
    answer = stranger.submit('login', flow, tapped(key, theirs))
    assert answer.status == 400 and stranger.whoami().status == 401
    assert stranger.submit('login', theirs, tapped(key, theirs)).status in (400, 401, 403) and stranger.whoami().status == 401


def test_apps_neither_add_nor_show_one(server):
    owner, key = owner_of(server)
    app = again(server, owner, 'native')
    flow = asked(app, aal='aal2')
    assert not [n for n in flow.json['ui']['nodes'] or [] if n['group'] == 'webauthn']
    theirs = asked(again(server, owner, 'ajax'), aal='aal2')
    assert app.submit('login', flow, tapped(key, theirs)).status == 400 and level(app) == 'aal1'
    before = held_rows(server)
    settings, browsers = app.start('settings'), owner.start('settings')
    assert settings.node('webauthn_register_trigger') is None
    made_ = Key().create(browsers, 'webauthn_register_trigger')
    answer = app.submit('settings', settings, {'method': 'webauthn', 'webauthn_register': made_, 'webauthn_register_displayname': 'x'})
    assert answer.status == 400
    assert app.submit('settings', settings, {'webauthn_remove': key.hex}).status == 400
    assert held_rows(server) == before and len(stored(server, owner.email, 'webauthn')) == 1


def test_the_second_factor_of_somebody_else_adds_nothing_to_a_session(server):
    mine, theirs = owner_of(server), owner_of(server)
    client = again(server, mine[0], 'ajax')
    flow = asked(client, aal='aal2')
    assert REFUSED in messages(tap(client, theirs[1], flow).must(400)) and level(client) == 'aal1'


@pytest.mark.parametrize('handle', [b'x' * 64, b'x', bytes(16)])
def test_an_answer_that_names_somebody_else_proves_nothing(server, handle):
    owner, key = owner_of(server)
    client = again(server, owner, 'ajax')
    flow = asked(client, aal='aal2')
    assert REFUSED in messages(tap(client, key, flow, user_handle=handle).must(400)) and level(client) == 'aal1'
    tap(client, key, flow, user_handle=None).must(200)      # as a second factor it need not say


def test_an_answer_is_good_for_one_form(server):
    owner, key = owner_of(server)
    one, two = again(server, owner, 'ajax'), again(server, owner, 'ajax')
    flow, others = asked(one, aal='aal2'), asked(two, aal='aal2')
    sent = tapped(key, flow)
    assert REFUSED in messages(two.submit('login', others, sent).must(400))
    one.submit('login', flow, sent).must(200)
    three = again(server, owner, 'ajax')
    assert REFUSED in messages(three.submit('login', asked(three, aal='aal2'), sent).must(400)) and level(three) == 'aal1'
    assert one.submit('login', flow, sent).status == 400


def test_a_passkey_is_no_second_factor(server):
    owner, key = member(server), Key()
    add(owner, key).must(200)
    client = again(server, owner, 'ajax')
    flow = client.start('login', {'aal': 'aal2'})
    assert flow.node('passkey_challenge') is None
    challenge = asked(server.client('ajax'))
    client.submit('login', flow, shown(key, challenge)).must(400)
    assert level(client) == 'aal1'


def test_a_second_factor_is_no_passkey(server):
    owner, key = owner_of(server)
    client = server.client('ajax')
    answer = sign_in(client, key)
    assert (answer.status, messages(answer)) in ((400, [UNKNOWN]), (400, [REFUSED])) and client.whoami().status == 401


# -- settings -----------------------------------------------------------------------------------

@COOKIES
@pytest.mark.parametrize('name', ['', None], ids=['empty', 'none'])
def test_a_key_wants_a_name(server, kind, name):
    owner, key = member(server, kind), Key()
    flow = owner.start('settings')
    sent = {'method': 'webauthn', 'webauthn_register': key.create(flow, 'webauthn_register_trigger')}
    owner.submit('settings', flow, sent if name is None else {**sent, 'webauthn_register_displayname': name}).must(303, 400)
    now = in_form(owner, 'settings', flow)
    assert messages(now) == [MISSING] and listed(owner, 'webauthn_remove') == []
    add_key(owner, key, flow=now).must(200, 303)


@pytest.mark.parametrize('name, taken', [('x' * 100, True), ('x' * 101, False), ('\u9375' * 100, True), ('\u9375' * 101, False),
                                         ('\U0001f511' * 100, True), ('x' * 100000, False)], ids=lambda v: str(v)[:3] + str(len(str(v))))
def test_a_name_has_an_end(server, name, taken):
    owner, key = member(server), Key()
    answer = add_key(owner, key, name)
    assert answer.status == (200 if taken else 400), answer.body
    if taken:
        assert name in buttons(owner, 'webauthn_remove')[0]['meta']['label']['text']
    else:
        assert messages(answer) == [TOO_LONG] and listed(owner, 'webauthn_remove') == []


HOSTILE = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', 'ana\u202egnp.exe', '{{ .Name }}', "'; DROP TABLE identities; --",
           'a\tb', 'line\r\nBcc: x@example.org', '\u0000', '\u0007\u001b[31mred', '   ', '%s%n', '\ufeff']


@pytest.mark.parametrize('name', HOSTILE, ids=ascii)
def test_a_hostile_name_is_a_name_or_refused(server, name):
    owner, key = member(server), Key()
    answer = add_key(owner, key, name)
    assert answer.status in (200, 400), answer.body
    if answer.status == 200:
        button, = buttons(owner, 'webauthn_remove')
        assert button['meta']['label']['context']['display_name'] == name
    table = server.ctl('identity', 'factors', owner.email)
    assert not [c for c in table if ord(c) < 32 and c != '\n'] and '\u202e' not in table
    owner.submit('settings', owner.start('settings'), {'webauthn_remove': key.hex}) if answer.status == 200 else None
    assert listed(owner, 'webauthn_remove') == []


@pytest.mark.parametrize('name', [1, True, None, [], {}, ['x']], ids=json.dumps)
def test_a_name_of_another_type_is_one_as_text_or_refused(server, name):
    owner, key = member(server), Key()
    flow = owner.start('settings')
    answer = owner.submit('settings', flow, {'method': 'webauthn', 'webauthn_register_displayname': name,
                                             'webauthn_register': key.create(flow, 'webauthn_register_trigger')})
    assert answer.status in (200, 400), answer.body
    assert len(listed(owner, 'webauthn_remove')) == (answer.status == 200)


@pytest.mark.parametrize('fill', ['x', '"', '\u0001'], ids=ascii)
def test_as_many_keys_as_there_may_be_of_both_kinds_with_the_longest_names(server, fill):
    owner, name = member(server), fill * 100
    passkeys = keys = 0
    while passkeys < 41 and add(owner, Key()).status == 200:
        passkeys += 1
    while keys < 41 and add_key(owner, Key(), name).status == 200:
        keys += 1
    assert passkeys == 40 and keys > 8
    assert len(listed(owner)) == 40 and len(listed(owner, 'webauthn_remove')) == keys
    client = again(server, owner, 'ajax')
    assert len(json.loads(asked(client, aal='aal2').node('webauthn_login_trigger'))['publicKey']['allowCredentials']) == keys
    assert asked(owner, refresh='true').status == 200


@COOKIES
def test_a_key_of_another_account_is_said_on_the_form_and_nothing_is_stored(server, kind):
    owner, key = owner_of(server)
    thief = member(server, kind)
    before = held_rows(server)
    flow = thief.start('settings')
    assert add_key(thief, key.twin(), flow=flow).status == (303 if kind == 'browser' else 400)
    assert messages(in_form(thief, 'settings', flow)) and held_rows(server) == before
    add_key(thief, Key(), flow=flow).must(200, 303)
    tap(again(server, owner, 'ajax'), key).must(200)


def test_one_key_is_not_both_kinds_for_two_people(server):
    owner, key = owner_of(server)
    thief = member(server)
    before = held_rows(server)
    assert add(thief, key.twin()).status == 400 and held_rows(server) == before


def test_of_many_keys_for_one_question_one_is_kept(server):
    owner = member(server)
    flow = owner.start('settings')
    answers = at_one_moment(server, [lambda: add_key(owner, Key(), flow=flow) for _ in range(8)])
    assert [a.status for a in answers].count(200) == 1 and not [a for a in answers if a.status >= 500], [a.body for a in answers]
    assert len(listed(owner, 'webauthn_remove')) == 1


@pytest.mark.parametrize('bend', [str.upper, lambda h: h[:-2], lambda h: h + '00', lambda h: 'zz'])
def test_an_id_that_is_not_quite_that_of_a_key_removes_nothing(server, bend):
    owner, key = member(server), Key()
    key.id = b'\xab' + key.id[1:]
    add_key(owner, key).must(200)
    answer = owner.submit('settings', owner.start('settings'), {'webauthn_remove': bend(key.hex)})
    assert (answer.status, messages(answer)) == (400, [REASON]) and listed(owner, 'webauthn_remove') == [key.hex]


def test_a_passkey_is_not_removed_as_a_security_key(server):
    owner, key = member(server), Key()
    add(owner, key).must(200)
    owner.submit('settings', owner.start('settings'), {'webauthn_remove': key.hex}).must(400)
    assert listed(owner) == [key.hex]


# -- as first factor ------------------------------------------------------------------------------

def sign_up(client, key=None, name='Laptop'):
    """An account by a key alone; the key."""
    key, client.email = key or Key(), new_email()
    flow = client.start('registration')
    client.submit('registration', flow, {'method': 'webauthn', 'traits': {'email': client.email}, 'webauthn_register_displayname': name,
                                         'webauthn_register': key.create(flow, 'webauthn_register_trigger')}).must(200, 303)
    return key


def name_self(client, email, flow=None):
    """The form that asks their keys."""
    flow = flow or asked(client)
    answer = client.submit('login', flow, {'method': 'webauthn', 'identifier': email})
    assert answer.status == (303 if client.kind == 'browser' else 422), answer.body
    return in_form(client, 'login', flow)


@COOKIES
def test_an_account_is_made_by_a_key_alone_and_signs_in_by_name_and_key(first, kind):
    owner = first.client(kind)
    key = sign_up(owner)
    assert [m['method'] for m in owner.session()['authentication_methods']] == ['webauthn']
    client = first.client(kind)
    flow = name_self(client, owner.email.upper())
    assert messages(flow) == [NAMED]
    client.submit('login', flow, {**tapped(key, flow), 'identifier': owner.email}).must(200, 303)
    assert client.session()['identity']['traits']['email'] == owner.email and level(client) == 'aal1'


@COOKIES
@pytest.mark.parametrize('name', ['nobody@example.org', '\u0001', 'x' * 5000, '%'], ids=lambda n: ascii(n)[:12])
def test_nobody_of_that_name_is_told_so(first, kind, name):
    client = first.client(kind)
    flow = asked(client)
    assert client.submit('login', flow, {'method': 'webauthn', 'identifier': name}).status == (303 if kind == 'browser' else 400)
    assert messages(in_form(client, 'login', flow)) == [UNKNOWN]


@pytest.mark.parametrize('name', ['', None, 1, [], {}, True], ids=json.dumps)
def test_no_name_at_all(first, name):
    client = first.client('ajax')
    answer = client.submit('login', asked(client), {'method': 'webauthn', 'identifier': name})
    assert answer.status == 400 and messages(answer)[0] in (MISSING, UNKNOWN, REASON)


def test_who_has_a_password_only_has_no_key(first):
    owner, client = member(first), first.client('ajax')
    answer = client.submit('login', asked(client), {'method': 'webauthn', 'identifier': owner.email})
    assert (answer.status, messages(answer)) == (400, [UNKNOWN])


def test_the_name_of_somebody_else_and_ones_own_key(first):
    mine, theirs = first.client('ajax'), first.client('ajax')
    key = sign_up(mine)
    sign_up(theirs)
    client = first.client('ajax')
    flow = name_self(client, theirs.email)
    answer = client.submit('login', flow, {**tapped(key, flow), 'identifier': theirs.email})
    assert (answer.status, messages(answer)) == (400, [REFUSED])
    client.submit('login', answer, {**tapped(key, answer), 'identifier': mine.email}).must(200)         # the key says who it is
    assert client.session()['identity']['traits']['email'] == mine.email


def test_a_second_key_of_an_account_that_a_key_made_and_both_sign_in_without_a_name_too(first):
    owner, two = first.client('ajax'), Key()
    one = sign_up(owner)
    add_key(owner, two).must(200)
    for key in (one, two, one):
        client = first.client('ajax')
        flow = name_self(client, owner.email)
        assert len(json.loads(flow.node('webauthn_login_trigger'))['publicKey']['allowCredentials']) == 2
        client.submit('login', flow, {**tapped(key, flow), 'identifier': owner.email}).must(200)
    for key in (one, two):
        client = first.client('ajax')
        sign_in(client, key).must(200)
        assert [m['method'] for m in client.session()['authentication_methods']] == ['passkey']
        assert client.session()['identity']['traits']['email'] == owner.email


@COOKIES
@pytest.mark.parametrize('name, message', [('x' * 101, TOO_LONG), ('x' * 20000, TOO_LONG)], ids=['101', '20000'])
def test_a_sign_up_has_no_longer_names_than_the_settings(first, kind, name, message):
    client, key, email = first.client(kind), Key(), new_email()
    flow = client.start('registration')
    before = held_rows(first)
    client.submit('registration', flow, {'method': 'webauthn', 'traits': {'email': email}, 'webauthn_register_displayname': name,
                                         'webauthn_register': key.create(flow, 'webauthn_register_trigger')}).must(302, 400)
    assert messages(in_form(client, 'registration', flow)) == [message] and held_rows(first) == before


@COOKIES
def test_a_key_without_a_name_is_called_by_its_make_or_unnamed(first, kind):
    client = first.client(kind)
    sign_up(client, name='')
    assert 'unnamed' in buttons(client, 'webauthn_remove')[0]['meta']['label']['text']
    known = first.client(kind)
    sign_up(known, Key(aaguid=bytes.fromhex('ee882879721c491397753dfcce97072a')), name='')      # a YubiKey 5
    assert 'unnamed' not in buttons(known, 'webauthn_remove')[0]['meta']['label']['text']


def test_the_only_key_does_not_go_and_with_a_password_it_does(first):
    owner = first.client('ajax')
    key = sign_up(owner)
    button, = buttons(owner, 'webauthn_remove')
    assert button['attributes']['disabled']
    owner.submit('settings', owner.start('settings'), {'webauthn_remove': key.hex}).must(400)
    owner.submit('settings', owner.start('settings'), {'method': 'password', 'password': PASSWORD}).must(200)
    owner.submit('settings', owner.start('settings'), {'webauthn_remove': key.hex}).must(200)
    client = first.client('ajax')
    answer = client.submit('login', asked(client), {'method': 'webauthn', 'identifier': owner.email})
    assert (answer.status, messages(answer)) == (400, [UNKNOWN])


def test_a_name_that_changes_signs_in_by_the_new_one(first):
    owner, client, new = first.client('ajax'), first.client('ajax'), new_email()
    key = sign_up(owner)
    owner.submit('settings', owner.start('settings'), {'method': 'profile', 'traits': {'email': new}}).must(200)
    assert client.submit('login', asked(client), {'method': 'webauthn', 'identifier': owner.email}).status == 400
    flow = name_self(client, new)
    client.submit('login', flow, {**tapped(key, flow), 'identifier': new}).must(200)


def test_of_one_answer_at_once_one_signs_in(first):
    owner, client = first.client('ajax'), first.client('ajax')
    key = sign_up(owner)
    flow = name_self(client, owner.email)
    sent = {**tapped(key, flow), 'identifier': owner.email}
    crowd = []
    for _ in range(20):
        other = first.client('ajax')
        other.cookies = dict(client.cookies)
        crowd.append(other)
    before = sessions(first, owner.email)
    answers = at_one_moment(first, [lambda c=c: c.submit('login', flow, sent) for c in crowd])
    assert sorted(a.status for a in answers) == [200] + [400] * 19, [a.body for a in answers]
    assert sessions(first, owner.email) == before + 1


def test_of_one_registration_at_once_one_account_comes(first):
    client, key = first.client('ajax'), Key()
    flow = client.start('registration')
    answer = key.create(flow, 'webauthn_register_trigger')
    crowd = []
    for _ in range(20):
        other = first.client('ajax')
        other.cookies = dict(client.cookies)
        crowd.append(other)
    before = held_rows(first)
    answers = at_one_moment(first, [lambda c=c: c.submit('registration', flow, {'method': 'webauthn', 'traits': {'email': new_email()},
                                                                   'webauthn_register': answer}) for c in crowd])
    assert [a.status for a in answers].count(200) == 1 and not [a for a in answers if a.status >= 500], [a.body for a in answers]
    after = held_rows(first)
    assert {t: after[t] - before[t] for t in ('identities', 'identity_keys')} == {'identities': 1, 'identity_keys': 1}


def test_of_many_keys_and_names_for_one_question_one_account_comes(first):
    client = first.client('ajax')
    flow = client.start('registration')
    crowd, before = [], held_rows(first)
    for _ in range(8):
        other = first.client('ajax')
        other.cookies = dict(client.cookies)
        crowd.append(other)
    answers = at_one_moment(first, [lambda c=c: c.submit('registration', flow, {
        'method': 'webauthn', 'traits': {'email': new_email()}, 'webauthn_register': Key().create(flow, 'webauthn_register_trigger')}) for c in crowd])
    assert sorted(a.status for a in answers) == [200] + [400] * 7, [a.body for a in answers]
    after = held_rows(first)
    assert {t: after[t] - before[t] for t in ('identities', 'identity_keys')} == {'identities': 1, 'identity_keys': 1}
