# SPDX-License-Identifier: Apache-2.0
"""Security keys and passkeys, and what happens between question and answer: counters, copies, accounts and keys that go, forms that age."""
import json

import pytest

from lib.account import member
from lib.clients import messages
from lib.keys import (REASON, REFUSED, UNKNOWN, Key, account_id, add, add_key, asked, at_one_moment, b64, both, in_form, passkeys, sessions, shown, sign_in,
                      sign_up, stored, tapped)
from lib.settings import merge, nested

LOCKED, STALE = 4010011, 4010001
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    server = start(request, database, both(), clock=True)
    yield server
    end(server)


class ByPasskey:
    """Signs in by it, from nothing."""
    method, kinds = 'passkey', ['browser', 'ajax', 'native']

    def __init__(self, server):
        self.server, self.owner = server, server.client('ajax')
        self.key = sign_up(self.owner, Key())
        self.key.count = 10
        self.show().must(200)

    def client(self, kind='ajax'):
        return self.server.client(kind)

    def form(self, client):
        return asked(client)

    def sent(self, flow, key=None, **bent):
        return shown(key or self.key, flow, **bent)

    def show(self, client=None, flow=None, key=None, **bent):
        client = client or self.client()
        flow = flow or self.form(client)
        return client.submit('login', flow, self.sent(flow, key, **bent))

    def row(self):
        return stored(self.server, self.owner.email, self.method)[0]['authenticator']

    def proved(self, client):
        """Is somebody further in than before?"""
        return client.whoami().status == 200


class ByKey(ByPasskey):
    """Shows it as the second factor, after the password."""
    method, kinds = 'webauthn', ['browser', 'ajax']

    def __init__(self, server):
        self.server, self.owner, self.key = server, member(server), Key()
        add_key(self.owner, self.key).must(200)
        self.key.count = 10
        self.show().must(200)

    def client(self, kind='ajax'):
        client = self.server.client(kind)
        client.login(self.owner.email).must(200, 303)
        return client

    def form(self, client):
        return asked(client, aal='aal2')

    def sent(self, flow, key=None, **bent):
        return tapped(key or self.key, flow, **bent)

    def proved(self, client):
        session = client.whoami()
        return session.status == 200 and session.json['authenticator_assurance_level'] == 'aal2'


@pytest.fixture(params=[ByPasskey, ByKey], ids=['passkey', 'key'])
def way(request, server):
    return request.param(server)


# -- counters -----------------------------------------------------------------------------

@pytest.mark.parametrize('fallen', [11, 10, 1, 0])
def test_a_counter_that_falls_is_refused_and_noted_and_the_next_higher_one_works(server, way, fallen):
    assert way.row() == {**way.row(), 'sign_count': 11, 'clone_warning': False}
    client = way.client()
    flow = way.form(client)
    sent = way.sent(flow, count=fallen)
    answer = client.submit('login', flow, sent)
    assert (answer.status, messages(answer)) == (400, [REFUSED]) and not way.proved(client)
    assert way.row() == {**way.row(), 'sign_count': 11, 'clone_warning': True}
    challenge = 'passkey_challenge' if way.method == 'passkey' else 'webauthn_login_trigger'
    assert answer.node(challenge) != flow.node(challenge)       # the one that was answered is used up
    assert client.submit('login', flow, sent).status == 400 and not way.proved(client)
    assert client.submit('login', flow, way.sent(flow, count=12)).status == 400 and not way.proved(client)
    way.show(client, answer, count=12).must(200)
    assert way.proved(client) and way.row() == {**way.row(), 'sign_count': 12, 'clone_warning': True}


def test_a_copy_that_is_behind_is_refused_and_the_first_of_them_goes_on(server, way):
    copy = way.key.twin()
    way.show().must(200)
    way.show().must(200)
    client = way.client()
    assert way.show(client, key=copy).status == 400 and not way.proved(client)
    way.show().must(200)


def test_a_key_that_never_counts_is_always_fine(server):
    owner, key = server.client('ajax'), Key(counts=False)
    sign_up(owner, key)
    for _ in range(3):
        sign_in(server.client('ajax'), key).must(200)
    assert stored(server, owner.email)[0]['authenticator'] == {**stored(server, owner.email)[0]['authenticator'], 'sign_count': 0,
                                                               'clone_warning': False}


def test_after_five_wrong_answers_another_question_is_asked(server, way):
    client = way.client()
    flow = way.form(client)
    challenge = 'passkey_challenge' if way.method == 'passkey' else 'webauthn_login_trigger'
    seen = [client.submit('login', flow, way.sent(flow, tamper=True)).must(400).node(challenge) for _ in range(6)]
    assert seen[:4] == [flow.node(challenge)] * 4 and len(set(seen)) == 2 and seen[4] == seen[5]
    assert client.submit('login', flow, way.sent(flow)).status == 400 and not way.proved(client)
    way.show(client, in_form(client, 'login', flow)).must(200)
    assert way.proved(client)


def test_the_highest_counter_there_is(server, way):
    way.show(count=2 ** 32 - 1).must(200)
    assert way.row()['sign_count'] == 2 ** 32 - 1
    client = way.client()
    assert way.show(client, count=0).status == 400 and not way.proved(client)


def test_sign_ins_at_once_with_counters_of_their_own_leave_the_highest(server, way):
    clients = [way.client() for _ in range(6)]
    flows = [way.form(c) for c in clients]
    sent = [way.sent(f) for f in flows]
    answers = at_one_moment(server, [lambda c=c, f=f, s=s: c.submit('login', f, s) for c, f, s in zip(clients, flows, sent)])
    assert {a.status for a in answers} <= {200, 400}, [a.body for a in answers]
    assert answers[-1].status == 200                                # the highest is never behind
    for client, answer in zip(clients, answers):
        assert way.proved(client) == (answer.status == 200)
    assert way.row()['sign_count'] == way.key.count
    way.show().must(200)


def test_two_copies_with_one_counter_at_once_get_in_once(server, way):
    for _ in range(3):
        count = way.key.count + 1
        clients = [way.client() for _ in range(4)]
        flows = [way.form(c) for c in clients]
        sent = [way.sent(f, count=count) for f in flows]
        answers = at_one_moment(server, [lambda c=c, f=f, s=s: c.submit('login', f, s) for c, f, s in zip(clients, flows, sent)])
        assert sorted(a.status for a in answers) == [200, 400, 400, 400], [a.body for a in answers]
    assert way.row()['clone_warning'] is True


def test_of_one_answer_at_once_one_gets_in(server, way):
    client = way.client()
    flow = way.form(client)
    sent = way.sent(flow)
    crowd = []
    for _ in range(20):
        other = server.client('ajax')
        other.cookies = dict(client.cookies)
        crowd.append(other)
    before = sessions(server, way.owner.email)
    answers = at_one_moment(server, [lambda c=c: c.submit('login', flow, sent) for c in crowd])
    assert not [a for a in answers if a.status >= 500], [a.body for a in answers if a.status >= 500]
    assert 200 in [a.status for a in answers]
    assert sessions(server, way.owner.email) == before + (way.method == 'passkey')


def test_where_the_settings_say_so_a_copy_is_let_in_and_reported(serve):
    server = serve(merge(both(), nested('mod_kratos.webauthn.copied_keys', 'report')), clock=True)
    for way in (ByPasskey(server), ByKey(server)):
        client = way.client()
        way.show(client, count=3).must(200)
        assert way.proved(client) and way.row() == {**way.row(), 'sign_count': 11, 'clone_warning': True}
        assert f'KR0643: identity {account_id(server, way.owner.email)}' in server.log()
        way.show(count=12).must(200)


# -- what was there is gone ----------------------------------------------------------------

def test_an_account_that_is_locked_meanwhile_is_told_so(server, way, kind):
    if kind not in way.kinds:
        return
    client = way.client(kind)
    flow = way.form(client)
    server.ctl('identity', 'disable', account_id(server, way.owner.email))
    answer = way.show(client, flow)
    assert answer.status in (302, 303, 400, 401) and not way.proved(client)
    if way.method == 'passkey':
        assert messages(in_form(client, 'login', flow)) == [LOCKED]
    server.ctl('identity', 'enable', account_id(server, way.owner.email))
    way.key.count += 1
    way.show().must(200)


def test_an_account_that_is_deleted_meanwhile_lets_nobody_in(server, way, kind):
    if kind not in way.kinds:
        return
    client = way.client(kind)
    flow = way.form(client)
    server.ctl('identity', 'delete', account_id(server, way.owner.email), '--yes')
    answer = way.show(client, flow)
    assert answer.status in (302, 303, 400, 401) and client.whoami().status == 401
    if way.method == 'passkey':
        assert messages(in_form(client, 'login', flow)) == [UNKNOWN]


def test_a_key_that_is_removed_meanwhile_proves_nothing(server, way):
    client = way.client()
    flow = way.form(client)
    other = Key()
    (add if way.method == 'passkey' else add_key)(way.owner, other).must(200)
    way.owner.submit('settings', way.owner.start('settings'), {f'{way.method}_remove': way.key.hex}).must(200)
    answer = way.show(client, flow)
    assert (answer.status, messages(answer)) == (400, [REFUSED]) and not way.proved(client)
    other.count = 1
    answer = way.show(client, flow, key=other)
    assert answer.status == 200 and way.proved(client)


def test_the_last_key_that_is_removed_meanwhile_proves_nothing(server, way):
    client = way.client()
    flow = way.form(client)
    server.ctl('identity', 'remove-factor', way.owner.email, f'{way.method}:{way.key.hex}', '--force', '--keep-sessions')
    answer = way.show(client, flow)
    assert answer.status in (400, 401) and not way.proved(client)
    if answer.status == 400 and 'ui' in answer.json:
        assert messages(answer) == [UNKNOWN]


def test_a_form_that_is_too_old_is_replaced_by_one_that_works(server, way):
    client = way.client()
    flow = way.form(client)
    server.clock.forward(700)
    answer = way.show(client, flow)
    assert answer.status == 410 and not way.proved(client)
    now = client.fetch('login', answer.json['use_flow_id']).must(200)
    assert messages(now)[:1] == [STALE] or STALE in messages(now)
    way.show(client, now).must(200)
    assert way.proved(client)


def test_somebody_elses_key_proves_nothing(server, way):
    other = type(way)(server)
    client = way.client()
    flow = way.form(client)
    answer = client.submit('login', flow, way.sent(flow, other.key))
    if way.method == 'passkey':                     # it is nobody's form: whoever has a passkey signs in
        assert answer.status == 200 and client.session()['identity']['traits']['email'] == other.owner.email
    else:
        assert (answer.status, messages(answer)) == (400, [REFUSED]) and not way.proved(client)


# -- asked again ---------------------------------------------------------------------------

def test_a_fresh_sign_in_asks_for_the_persons_own_passkeys(server, kind):
    client = server.client(kind)
    key = sign_up(client)
    flow = asked(client, refresh='true')
    options = json.loads(flow.node('passkey_challenge'))['publicKey']
    assert [c['id'] for c in options['allowCredentials']] == [b64(key.id)]
    before = client.session()
    server.clock.forward(60)
    sign_in(client, key, flow).must(200, 303)
    after = client.session()
    assert after['id'] == before['id'] and after['authenticated_at'] > before['authenticated_at']


def test_a_fresh_sign_in_with_somebody_elses_passkey_is_theirs_or_nobodys(server, kind):
    client, other = server.client(kind), server.client('ajax')
    sign_up(client)
    theirs = sign_up(other)
    before = client.session()
    answer = sign_in(client, theirs, asked(client, refresh='true'))
    assert answer.status in (200, 303, 400)
    now = client.session()
    assert now['identity']['id'] == before['identity']['id'] and now['authenticated_at'] == before['authenticated_at'] \
        or now['id'] != before['id']


def test_who_is_signed_in_gets_no_second_session_by_a_passkey(server, kind):
    client, key = server.client(kind), None
    other = server.client(kind)
    flow = asked(client)
    key = sign_up(other)
    client.cookies, client.token = dict(other.cookies), other.token
    answer = client.submit('login', flow, shown(key, flow))
    assert answer.status in (303, 400, 403), answer.body
    assert sessions(server, other.email) == 1


# -- who holds it ----------------------------------------------------------------------------

@pytest.fixture(scope='module')
def careful(request, database):
    from conftest import end, start
    server = start(request, database, passkeys(authenticator_selection={'user_verification': 'required'}))
    yield server
    end(server)


def test_where_the_person_must_be_verified_a_key_that_did_not_is_refused_at_both(careful, kind):
    client, key = careful.client(kind), Key(uv=False)
    flow = client.start('registration')
    assert json.loads(flow.node('passkey_create_data'))['credentialOptions']['publicKey']['authenticatorSelection']['userVerification'] == 'required'
    sent = {'method': 'passkey', 'traits': {'email': 'nobody@example.org'}, 'passkey_register': key.create(flow, 'passkey_create_data')}
    assert client.submit('registration', flow, sent).status in (302, 400)
    assert messages(in_form(client, 'registration', flow)) == [REASON]
    key = sign_up(careful.client('ajax'), Key())
    client = careful.client(kind)
    flow = asked(client)
    assert json.loads(flow.node('passkey_challenge'))['publicKey']['userVerification'] == 'required'
    assert sign_in(client, key, flow, uv=False).status in (303, 400)
    assert messages(in_form(client, 'login', flow)) == [REFUSED] and client.whoami().status == 401
    sign_in(client, key, flow).must(200, 303)


def test_where_it_need_not_be_it_is_not(server):
    key = sign_up(server.client('ajax'), Key(uv=False))
    sign_in(server.client('ajax'), key).must(200)
