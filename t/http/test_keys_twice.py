# SPDX-License-Identifier: Apache-2.0
"""A sign-up by a key that is sent twice: the second answer leads where the first did, and that lets nobody else in."""
import pytest

from lib.account import account
from lib.clients import messages, new_email
from lib.factors import at_once
from lib.keys import PAGE, REASON, Key, at_one_moment, held_rows, in_form, made, passkeys, security_keys, sign_in
from lib.settings import UI, merge, nested

pytestmark = pytest.mark.san
BROWSERS = pytest.mark.parametrize('kind', ['browser', 'ajax'])


@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    passkeys = {'selfservice': {'methods': {'passkey': {'enabled': True, 'config': {'rp': {'id': 'localhost', 'origins': [PAGE]}}}},
                                'flows': {'registration': {'after': {'passkey': {'hooks': [{'hook': 'session'}]}}}}}}
    server = start(request, database, merge(security_keys(first=True), passkeys), clock=True)
    yield server
    end(server)


@pytest.fixture(scope='module')
def mailing(request, database, post):
    """Accounts begin without a session, by a page that asks for the code of a mail."""
    from conftest import end, start
    hooks = nested('selfservice.flows.registration.after.passkey.hooks', [{'hook': 'show_verification_ui'}])
    server = start(request, database, merge(merge(passkeys(), {'courier': account(uri=post.uri)['courier']}), hooks))
    yield server
    end(server)


def twin(client):
    """The same browser: what it sends carries the cookies of now, whatever the answer to the other brings."""
    other = type(client)(client.t.public)
    other.cookies = dict(client.cookies)
    return other


def by_key(key, flow, email, name='Laptop'):
    return {'method': 'webauthn', 'traits': {'email': email}, 'webauthn_register_displayname': name,
            'webauthn_register': key.create(flow, 'webauthn_register_trigger')}


FORMS = pytest.mark.parametrize('form', [made, by_key], ids=['passkey', 'key'])


@BROWSERS
@FORMS
@pytest.mark.parametrize('clicks', [2, 4])
def test_a_sign_up_that_is_sent_at_once_makes_one_account_and_every_answer_signs_in(server, kind, form, clicks):
    client, email, key = server.client(kind), new_email(), Key()
    flow = client.start('registration')
    body, clients, before = form(key, flow, email), [twin(client) for _ in range(clicks)], held_rows(server)
    answers = at_one_moment(server, [lambda c=c: c.submit('registration', flow, body) for c in clients])
    assert {a.status for a in answers} == {303 if kind == 'browser' else 200}, [a.body for a in answers]
    if kind == 'browser':
        assert {a.location for a in answers} == {UI + '/'}
    assert len({c.session()['identity']['id'] for c in clients}) == 1
    after = held_rows(server)
    assert {t: after[t] - before[t] for t in ('identities', 'identity_keys')} == {'identities': 1, 'identity_keys': 1}


@BROWSERS
@FORMS
def test_one_that_comes_later_with_the_cookies_of_before_ends_where_the_first_did(server, kind, form):
    client, email, key = server.client(kind), new_email(), Key()
    flow = client.start('registration')
    body, late = form(key, flow, email), twin(client)
    first = client.submit('registration', flow, body).must(200, 303)
    second = late.submit('registration', flow, body)
    assert (second.status, second.location) == (first.status, first.location)
    assert late.session()['identity']['id'] == client.session()['identity']['id']


@FORMS
def test_one_that_comes_with_the_session_of_the_first_is_led_there_too(server, form):
    client, key = server.browser(), Key()
    flow = client.start('registration')
    body = form(key, flow, new_email())
    first = client.submit('registration', flow, body).must(303)
    assert client.submit('registration', flow, body).must(302, 303).location == first.location


@FORMS
def test_after_a_minute_it_is_used_up(server, form):
    client, key = server.client('ajax'), Key()
    flow = client.start('registration')
    body, late = form(key, flow, new_email()), twin(client)
    client.submit('registration', flow, body).must(200)
    server.clock.forward(61)
    answer = late.submit('registration', flow, body)
    assert (answer.status, messages(answer)) == (400, [REASON]) and late.whoami().status == 401


@FORMS
def test_another_key_or_another_browser_gets_nothing_by_it(server, form):
    client, email, key = server.client('ajax'), new_email(), Key()
    flow = client.start('registration')
    body, late, stranger = form(key, flow, email), twin(client), server.client('ajax')
    client.submit('registration', flow, body).must(200)
    before = held_rows(server)
    same_id = key.twin()
    same_id.key = Key().key
    for other in (Key(), same_id):
        answer = late.submit('registration', flow, form(other, flow, email))
        assert (answer.status, messages(answer)) == (400, [REASON]) and late.whoami().status == 401
    other = stranger.start('registration')
    answer = stranger.submit('registration', flow, body, csrf=other.csrf)
    assert answer.status in (400, 403) and stranger.whoami().status == 401
    assert held_rows(server) == before


def test_apps_get_no_second_session_by_it(server):
    client, key = server.client('native'), Key()
    flow = client.start('registration')
    body = made(key, flow, new_email())
    client.submit('registration', flow, body).must(200)
    answer = server.client('native').submit('registration', flow, body)
    assert (answer.status, messages(answer)) == (400, [REASON])
    flow = client.start('registration')
    body = made(Key(), flow, new_email())
    answers = at_one_moment(server, [lambda: server.client('native').submit('registration', flow, body) for _ in range(6)])
    assert sorted(a.status for a in answers) == [200] + [400] * 5
    assert {tuple(messages(a)) for a in answers if a.status == 400} == {(REASON,)}


def test_an_account_that_was_locked_between_is_not_opened_by_it(server):
    client, email, key = server.client('ajax'), new_email(), Key()
    flow = client.start('registration')
    body, late = made(key, flow, email), twin(client)
    client.submit('registration', flow, body).must(200)
    server.ctl('identity', 'disable', email)
    assert late.submit('registration', flow, body).status == 400 and late.whoami().status == 401


def test_a_sign_in_is_not_given_twice(server):
    client, key = server.client('ajax'), Key()
    flow = client.start('registration')
    client.submit('registration', flow, made(key, flow, new_email())).must(200)
    other = server.client('ajax')
    login = other.start('login')
    sent = {'method': 'passkey', 'passkey_login': key.get(login, 'passkey_challenge')}
    late = twin(other)
    other.submit('login', login, sent).must(200)
    assert late.submit('login', login, sent).status == 400 and late.whoami().status == 401
    sign_in(late, key, in_form(late, 'login', login)).must(200)


@BROWSERS
def test_where_no_session_is_given_both_lead_to_the_page_that_asks_for_the_mails_code(mailing, kind):
    client, key = mailing.client(kind), Key()
    flow = client.start('registration')
    body, late = made(key, flow, new_email()), twin(client)
    answers = at_once([lambda c=c: c.submit('registration', flow, body) for c in (client, late)])
    assert {a.status for a in answers} == {303 if kind == 'browser' else 200}, [a.body for a in answers]
    if kind == 'browser':
        assert len({a.location for a in answers}) == 1 and '/verification?flow=' in answers[0].location
