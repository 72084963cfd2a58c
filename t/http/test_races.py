# SPDX-License-Identifier: Apache-2.0
"""What happens while a password is hashed: nothing is decided on what was read before. Hashes take long here, so that others can act."""
import base64
import hashlib
import json
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.account import account, ask, can_sign_in, change, member, recovered
from lib.clients import PASSWORD, error_id, messages, new_email
from lib.mailbox import RECOVERY
from lib.settings import UI, merge, nested

NEW = 'another-Horse-battery-9'
THIRD = 'one-more-Horse-battery-9'
SLOW = nested('hashers.argon2', {'memory': '64MB', 'iterations': 3, 'parallelism': 1})
ROUNDS = 6      # of the tests that let chance decide who is first
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    server = start(request, database, merge(merge(account(uri=post.uri), SLOW), nested('selfservice.methods.code.mfa_enabled', True)))
    server.hash_time = hash_time(server)
    yield server
    end(server)


@pytest.fixture(scope='module')
def revoking(request, database):
    """A server whose changes of password end all other sessions by a hook."""
    from conftest import end, start
    hook = nested('selfservice.flows.settings.after.password.hooks', [{'hook': 'revoke_active_sessions'}])
    server = start(request, database, merge(merge(account(), SLOW), hook))
    server.hash_time = hash_time(server)
    yield server
    end(server)


def hash_time(server):
    """How long one takes at the least, in seconds."""
    client = member(server)
    begun = time.monotonic()
    assert can_sign_in(server, client.email, PASSWORD)
    return time.monotonic() - begun


@pytest.fixture
def together():
    """together(f, g, ...): what they return, begun within the time that a hash takes, in any order."""
    with ThreadPoolExecutor(8) as pool:
        def run(*calls, within=0.6):
            def late(call):
                time.sleep(random.uniform(0, within))           # what the test is about
                return call()
            return [f.result() for f in [pool.submit(late, call) for call in calls]]
        yield run


@pytest.fixture
def amid():
    """amid(slow, quick): `quick` runs once `slow`, which hashes, has begun, and has to be done before it; what both return."""
    with ThreadPoolExecutor(1) as pool:
        def run(slow, quick, wait):
            future = pool.submit(slow)
            time.sleep(wait)            # nothing tells outside that a hash has begun
            done = quick()
            early = future.done()
            return future.result(), done, not early
        yield run


def again(server, client):
    """Another device of the same person's."""
    other = server.ajax()
    other.email = client.email
    other.login(client.email).must(200)
    return other


def agree(server, email, candidates):
    """Traits, addresses and identifiers are those of one request."""
    account, = server.ctl.json('identity', 'get', email)
    assert account['traits']['email'] == email
    assert [a['value'] for a in account['verifiable_addresses']] == [email], account
    assert [a['value'] for a in account['recovery_addresses']] == [email], account
    for kind, credential in account['credentials'].items():
        assert credential['identifiers'] == [email], (kind, account)
    for other in candidates:
        if other != email:
            assert server.ctl.run('identity', 'get', other).returncode != 0, f'{other} is still taken'


def whose(client):
    return client.session()['identity']['traits']['email']


# -- changes of one account ----------------------------------------------------------------

def test_a_password_and_an_address_changed_at_once_are_both_changed(server, together):
    for _ in range(ROUNDS):
        client, new = member(server), new_email('anna')
        one, two = client.start('settings'), client.start('settings')
        answers = together(lambda: client.submit('settings', one, {'method': 'password', 'password': NEW}),
                           lambda: client.submit('settings', two, {'method': 'profile', 'traits': {'email': new}}))
        assert [a.status for a in answers] == [200, 200]
        agree(server, new, [client.email])
        assert can_sign_in(server, new, NEW) and not can_sign_in(server, client.email, NEW)


def test_of_four_profiles_at_once_one_is_left(server, together):
    for _ in range(ROUNDS):
        client = member(server)
        names = [new_email('one') for _ in range(4)]
        flows = [client.start('settings') for _ in names]
        answers = together(*[lambda f=flow, n=name: client.submit('settings', f, {'method': 'profile', 'traits': {'email': n}})
                             for flow, name in zip(flows, names)], within=0.02)
        assert all(a.status == 200 for a in answers), [a.status for a in answers]
        agree(server, whose(client), names + [client.email])


def test_a_nickname_from_an_old_session_does_not_bring_the_old_address_back(serve, together):
    server = serve(merge(account(), nested('selfservice.flows.settings.privileged_session_max_age', '1m')), clock=True)
    for _ in range(ROUNDS):
        old, new = member(server, name='Ana'), new_email('anna')
        server.clock.forward(61)
        fresh = again(server, old)
        nick, address = old.start('settings'), fresh.start('settings')
        answers = together(
            lambda: old.submit('settings', nick, {'method': 'profile', 'traits': {'email': old.email, 'name': 'Nan'}}),
            lambda: fresh.submit('settings', address, {'method': 'profile', 'traits': {'email': new, 'name': 'Ana'}}), within=0.02)
        assert answers[0].status in (200, 403) and answers[1].status == 200
        agree(server, new, [old.email])


def test_of_two_passwords_at_once_one_is_left(server, together):
    client = member(server)
    one, two = client.start('settings'), client.start('settings')
    together(lambda: client.submit('settings', one, {'method': 'password', 'password': NEW}).must(200),
             lambda: client.submit('settings', two, {'method': 'password', 'password': THIRD}).must(200))
    assert [can_sign_in(server, client.email, p) for p in (PASSWORD, NEW, THIRD)].count(True) == 1


# -- a sign-in that is under way -----------------------------------------------------------

def test_a_sign_in_with_the_old_password_does_not_outlive_sign_out_everywhere(server, together):
    for _ in range(ROUNDS):
        owner = member(server)
        flow, thief = owner.start('settings'), server.native()
        body = {'method': 'password', 'password': NEW, 'revoke_other_sessions': 'true'}
        changed, _ = together(lambda: owner.submit('settings', flow, body), lambda: thief.login(owner.email, PASSWORD))
        assert changed.status == 200
        assert not thief.token or thief.whoami().status == 401
        assert owner.whoami().status == 200 and can_sign_in(server, owner.email, NEW)


def test_a_sign_in_with_the_old_password_does_not_outlive_the_hook(revoking, together):
    for _ in range(ROUNDS):
        owner = member(revoking)
        flow, thief = owner.start('settings'), revoking.native()
        changed, _ = together(lambda: owner.submit('settings', flow, {'method': 'password', 'password': NEW}),
                              lambda: thief.login(owner.email, PASSWORD))
        assert changed.status == 200
        assert not thief.token or thief.whoami().status == 401
        assert owner.whoami().status == 200


def test_the_tick_beside_the_hook_ends_them_once(revoking):
    owner = member(revoking)
    other = again(revoking, owner)
    changed = change(owner, method='password', password=NEW, revoke_other_sessions='true')
    assert changed.status == 200 and owner.whoami().status == 200 and other.whoami().status == 401


def test_a_sign_in_under_way_is_ended_with_all_others(server, amid):
    owner, thief = member(server), server.native()
    login, ended, amidst = amid(lambda: thief.login(owner.email, PASSWORD),
                                lambda: owner.request('DELETE', '/sessions').must(200), server.hash_time / 3)
    assert not thief.token or thief.whoami().status == 401
    if amidst:
        assert login.status == 409 and 'try again' in login.json['error']['reason']
    assert owner.whoami().status == 200 and can_sign_in(server, owner.email, PASSWORD)


def test_people_whose_sign_in_was_overtaken_are_told_to_try_again(server, amid):
    owner, person = member(server), server.browser()
    login, _, amidst = amid(lambda: person.login(owner.email, PASSWORD),
                            lambda: owner.request('DELETE', '/sessions').must(200), server.hash_time / 3)
    assert login.status == 303
    if amidst:
        assert login.location.startswith(UI + '/login?flow=')
        flow = person.fetch('login', login.flow_id).must(200)
        assert messages(flow) == [4000001] and 'try again' in flow.json['ui']['messages'][0]['text']


def test_a_better_hash_does_not_bring_an_old_password_back(server, together):
    for _ in range(ROUNDS):
        owner = member(server)
        email = owner.email
        weaken(server, email)
        flow = owner.start('settings')
        changed, _ = together(lambda: owner.submit('settings', flow, {'method': 'password', 'password': NEW}),
                              lambda: server.native().login(email, PASSWORD))
        assert changed.status == 200
        assert can_sign_in(server, email, NEW) and not can_sign_in(server, email, PASSWORD)


def weaken(server, email):
    """The stored hash becomes one of worse parameters than those of the settings."""
    made = hashlib.pbkdf2_hmac('sha256', PASSWORD.encode(), b'some-salt', 1000)
    weak = '$pbkdf2-sha256$i=1000,l=32$%s$%s' % tuple(base64.b64encode(b).decode().rstrip('=') for b in (b'some-salt', made))
    server.sql("UPDATE identity_credentials SET config = '%s' WHERE type = 'password' AND id IN "
               "(SELECT credential_id FROM identity_identifiers WHERE identifier = '%s')"
               % (json.dumps({'hashed_password': weak}), email))


def test_two_sign_ins_that_hash_anew_are_both_right(server, together):
    client = member(server)
    weaken(server, client.email)
    answers = together(*[lambda: server.native().login(client.email, PASSWORD)] * 3)
    assert [a.status for a in answers] == [200] * 3
    assert can_sign_in(server, client.email, PASSWORD)


# -- a session that has ended --------------------------------------------------------------

ENDS = {
    'DELETE /sessions': lambda server, owner, thief: owner.request('DELETE', '/sessions').must(200),
    'DELETE /sessions/{id}': lambda server, owner, thief: owner.request('DELETE', '/sessions/' + thief.id).must(204),
    'kratosctl session revoke': lambda server, owner, thief: server.ctl('session', 'revoke', thief.id),
    'kratosctl session revoke --identity': lambda server, owner, thief: server.ctl('session', 'revoke', '--identity', owner.email),
    'kratosctl identity disable': lambda server, owner, thief: server.ctl('identity', 'disable', owner.email),
    'kratosctl identity delete': lambda server, owner, thief: server.ctl('identity', 'delete', '--yes', owner.identity),
    'sign out': lambda server, owner, thief: owner.twin(thief).logout(),
}


@pytest.mark.parametrize('end', list(ENDS))
def test_the_change_of_a_session_that_ended_meanwhile_is_not_made(server, amid, end):
    owner = member(server)
    owner.identity = owner.session()['identity']['id']
    thief = again(server, owner)
    thief.id = thief.session()['id']

    def twin(client):
        other = server.ajax()
        other.cookies = dict(client.cookies)
        return other
    owner.twin = twin
    flow = thief.start('settings')
    before = secret(server, owner.email)
    changed, _, amidst = amid(lambda: thief.submit('settings', flow, {'method': 'password', 'password': NEW}),
                              lambda: (ENDS[end](server, owner, thief), secret(server, owner.email))[1], server.hash_time / 3)
    assert changed.status < 500
    if amidst:
        assert changed.status == 401 and error_id(changed) == 'session_inactive'
    if secret(server, owner.email):
        assert secret(server, owner.email) == before or not amidst


def test_the_level_is_asked_for_again_when_the_change_is_written(server, amid):
    owner = member(server)
    identity = owner.session()['identity']['id']

    def gets_a_second_factor():
        """As another request would write it: a code to an address."""
        code = f"SELECT 'c{identity[1:]}', realm_id, id, 'code', '{{}}', 1, 1 FROM identities WHERE id = '{identity}'"
        server.sql(f"INSERT INTO identity_credentials (id, realm_id, identity_id, type, config, created_at, updated_at) {code}")
        server.sql("INSERT INTO identity_identifiers (realm_id, identifier, type, credential_id) "
                   f"SELECT realm_id, '{owner.email}', 'code', id FROM identity_credentials WHERE id = 'c{identity[1:]}'")
        server.sql(f"UPDATE identities SET available_aal = 'aal2' WHERE id = '{identity}'")
    flow, before = owner.start('settings'), secret(server, owner.email)
    changed, _, amidst = amid(lambda: owner.submit('settings', flow, {'method': 'password', 'password': NEW}),
                              gets_a_second_factor, server.hash_time / 3)
    if amidst:
        assert changed.status == 403 and error_id(changed) == 'session_aal2_required'
        assert secret(server, owner.email) == before


def secret(server, email):
    rows = server.sql("SELECT c.config FROM identity_credentials c JOIN identity_identifiers d ON d.credential_id = c.id "
                      "WHERE d.identifier = '%s' AND d.type = 'password'" % email)
    return rows[0][0] if rows else None


def test_two_that_end_all_others_at_once_do_not_bring_each_other_back(server, together):
    for _ in range(ROUNDS):
        one = member(server)
        two = again(server, one)
        answers = together(*[lambda c=c: c.request('DELETE', '/sessions') for c in (one, two)], within=0.01)
        assert sorted(a.status for a in answers) == [200, 401]
        assert sorted(c.whoami().status for c in (one, two)) == [200, 401]


def test_one_session_may_end_all_others_twice_at_once(server, together):
    one = member(server)
    answers = together(*[lambda: one.request('DELETE', '/sessions')] * 3, within=0.01)
    assert [a.status for a in answers] == [200] * 3 and one.whoami().status == 200


def test_who_keeps_an_account_busy_keeps_nobody_out(server):
    owner = member(server)
    thief, done = again(server, owner), []

    def keep_busy():
        other = server.ajax()
        other.cookies = dict(thief.cookies)
        while not done:
            other.request('DELETE', '/sessions/' + str(uuid.uuid4()))
    with ThreadPoolExecutor(6) as pool:
        busy = [pool.submit(keep_busy) for _ in range(6)]
        try:
            answers = [server.native().login(owner.email).status for _ in range(5)]
        finally:
            done.append(True)
        assert [b.result() for b in busy] == [None] * 6
    assert answers == [200] * 5


# -- locked, unlocked, deleted -------------------------------------------------------------

def test_who_is_locked_while_signing_in_has_no_session_after_the_unlock(server, amid):
    owner, other = member(server), server.native()
    login, _, amidst = amid(lambda: other.login(owner.email), lambda: server.ctl('identity', 'disable', owner.email),
                            server.hash_time / 3)
    assert owner.whoami().status == 401
    server.ctl('identity', 'enable', owner.email)
    assert owner.whoami().status == 200                 # a lock is no end
    if amidst:
        assert login.status == 400 and messages(login) == [4010011]
        assert not other.token


def test_a_lock_may_end_the_sessions_too(server):
    owner = member(server)
    server.ctl('identity', 'disable', '--end-sessions', owner.email)
    server.ctl('identity', 'enable', owner.email)
    assert owner.whoami().status == 401 and can_sign_in(server, owner.email, PASSWORD)


def test_an_account_deleted_while_it_signs_in_is_an_unknown_one(server, amid):
    owner, other = member(server), server.native()
    identity = owner.session()['identity']['id']
    login, _, amidst = amid(lambda: other.login(owner.email), lambda: server.ctl('identity', 'delete', '--yes', identity),
                            server.hash_time / 3)
    if amidst:
        assert login.status == 400 and messages(login) == [4000006]
    assert not other.token or other.whoami().status == 401


# -- the way back in -----------------------------------------------------------------------

def test_recovery_and_a_change_of_password_leave_one_of_both(server, post, together):
    for _ in range(ROUNDS // 2):
        owner, lost = member(server), server.ajax()
        flow = ask(lost, 'recovery', owner.email).must(200)
        code = post.wait(owner.email, RECOVERY).code
        settings = owner.start('settings')
        body = {'method': 'password', 'password': NEW, 'revoke_other_sessions': 'true'}
        changed, back = together(lambda: owner.submit('settings', settings, body),
                                 lambda: lost.submit('recovery', flow, {'method': 'code', 'code': code}))
        assert changed.status == 200 and back.status < 500
        assert can_sign_in(server, owner.email, NEW)
        assert lost.whoami().status == 401 or not overlaps(owner, lost)


def overlaps(owner, lost):
    """Was the recovered session issued before the change that ended all others was written?"""
    account = owner.session()['identity']
    return lost.session()['issued_at'] < account['updated_at']


def test_recovery_by_an_address_that_is_given_up_meanwhile_is_no_way_in(server, post, together):
    for _ in range(ROUNDS):
        owner, lost, new = member(server), server.ajax(), new_email('anna')
        flow = ask(lost, 'recovery', owner.email).must(200)
        code = post.wait(owner.email, RECOVERY).code
        settings = owner.start('settings')
        changed, back = together(lambda: owner.submit('settings', settings, {'method': 'profile', 'traits': {'email': new}}),
                                 lambda: lost.submit('recovery', flow, {'method': 'code', 'code': code}), within=0.02)
        assert changed.status == 200 and back.status < 500
        agree(server, new, [owner.email])
        late = server.ajax()
        assert not recovered(late.submit('recovery', ask(late, 'recovery', owner.email), {'method': 'code', 'code': code}))


# -- codes ---------------------------------------------------------------------------------

def test_the_code_to_one_address_signs_up_no_other(serve, post, together):
    code = {'identifier': True, 'via': 'email'}
    server = serve(merge(account(uri=post.uri, code=code), nested('selfservice.methods.code.passwordless_enabled', True)))
    for _ in range(ROUNDS):
        mine, theirs, client = new_email('eve'), new_email('victim'), server.native()
        flow = client.start('registration')

        def body(email, **more):
            return {'method': 'code', 'traits': {'email': email}, **more}
        together(*[lambda e=e: client.submit('registration', flow, body(e, resend='code')) for e in (mine, theirs) * 2], within=0.02)
        codes = [mail.code for mail in [post.wait(mine, seconds=15)] + post.to(mine)]
        for number in dict.fromkeys(codes):
            answer = client.submit('registration', flow, body(theirs, code=number))
            assert answer.status == 400, 'the account of an address whose mail nobody has read'
