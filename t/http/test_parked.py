# SPDX-License-Identifier: Apache-2.0
"""A change of settings that waits for a fresh sign-in: what carries it out, and what makes it be forgotten."""
import json

import pytest

from lib.account import account, ask, can_sign_in, give, member, refresh
from lib.clients import PASSWORD, messages
from lib.mailbox import RECOVERY
from lib.settings import UI, merge, nested

NEW = 'another-Horse-battery-9'
THIRD = 'one-more-Horse-battery-9'
COOKIE = 'ory_kratos_continuity'
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def strict(request, database, post):
    """Credentials change within a minute after the sign-in only."""
    from conftest import end, start
    server = start(request, database, merge(account(uri=post.uri),
                                            nested('selfservice.flows.settings.privileged_session_max_age', '1m')), clock=True)
    yield server
    end(server)


def with_privileges_gone(server):
    client = member(server, 'browser')
    server.clock.forward(61)
    return client


def park(client):
    """A new password waits. The flow, and the answer that asks for the sign-in."""
    flow = client.start('settings')
    answer = client.submit('settings', flow, {'method': 'password', 'password': NEW}).must(303)
    assert 'refresh=true' in answer.location and COOKIE in client.cookies
    return flow, answer


def renewed(answer):
    return any(k.lower() == 'set-cookie' and v.startswith(COOKIE + '=') for k, v in answer.headers)


def html(client, **query):
    return client.get('/self-service/settings/browser', query).must(303)


def ajax(client, **query):
    return client.get('/self-service/settings/browser', query, accept='application/json').must(200)


def app_with_the_cookie(client):
    """An app that shares the browser's cookies."""
    return client.get('/self-service/settings/api', accept='application/json').must(200)


@pytest.mark.parametrize('begin', [html, ajax, app_with_the_cookie])
def test_a_new_flow_of_settings_forgets_the_change_that_waits(strict, begin):
    client = with_privileges_gone(strict)
    flow, answer = park(client)
    before = client.cookies[COOKIE]
    assert renewed(begin(client)) and client.cookies[COOKIE] != before

    back = refresh(client, answer)
    shown = client.get(back.location).must(303)
    assert shown.location == f'{UI}/settings?flow={flow.flow_id}'
    said, = client.fetch('settings', flow.flow_id).must(200).json['ui']['messages']
    assert said['id'] == 4000001 and 'no change waits' in said['text']
    assert can_sign_in(strict, client.email, PASSWORD) and not can_sign_in(strict, client.email, NEW)


def test_so_does_the_flow_that_a_recovery_ends_in(strict, post):
    client = with_privileges_gone(strict)
    flow, _ = park(client)
    session = client.cookies.pop('ory_kratos_session')
    code = (ask(client, 'recovery', client.email).must(200), post.wait(client.email, RECOVERY).code)
    assert renewed(give(client, 'recovery', *code).must(303))
    assert client.cookies['ory_kratos_session'] != session
    client.get('/self-service/settings', {'flow': flow.flow_id}).must(303)
    assert can_sign_in(strict, client.email, PASSWORD) and not can_sign_in(strict, client.email, NEW)


def test_so_does_the_flow_that_takes_the_place_of_an_expired_one(serve_sqlite):
    times = {'privileged_session_max_age': '1m', 'lifespan': '3m'}
    server = serve_sqlite(merge(account(), nested('selfservice.flows.settings', times)), clock=True)
    client = member(server, 'browser')
    old = client.start('settings')
    server.clock.forward(2 * 60)
    park(client)
    server.clock.forward(61)
    answer = client.submit('settings', old, {'method': 'profile', 'traits': {'email': client.email}}).must(303)
    assert answer.flow_id != old.flow_id and renewed(answer)


@pytest.mark.parametrize('meanwhile', [
    lambda server, client, flow: client.fetch('settings', flow.flow_id).must(200),
    lambda server, client, flow: client.init('login', {'refresh': 'true'}).must(303),
    lambda server, client, flow: server.browser().init('settings').must(303),
], ids=['a look at it', 'a login', 'somebody else'])
def test_what_begins_no_settings_leaves_it_waiting(strict, meanwhile):
    client = with_privileges_gone(strict)
    flow, answer = park(client)
    assert not renewed(meanwhile(strict, client, flow))
    client.get(refresh(client, answer).location).must(303)
    assert can_sign_in(strict, client.email, NEW) and not can_sign_in(strict, client.email, PASSWORD)


def test_an_app_of_the_same_person_leaves_it_waiting(strict):
    client, app = with_privileges_gone(strict), strict.native()
    app.login(client.email).must(200)
    _, answer = park(client)
    app.start('settings').must(200)
    client.get(refresh(client, answer).location).must(303)
    assert can_sign_in(strict, client.email, NEW)


def test_who_may_not_begin_one_forgets_nothing(strict):
    client = with_privileges_gone(strict)
    _, answer = park(client)
    session = client.cookies.pop('ory_kratos_session')
    assert not renewed(client.get('/self-service/settings/browser').must(303))
    client.cookies['ory_kratos_session'] = session
    assert client.get('/self-service/settings/browser', {'return_to': 'https://evil.example/'}).location.startswith(UI + '/error')
    client.get(refresh(client, answer).location).must(303)
    assert can_sign_in(strict, client.email, NEW)


def test_a_change_that_is_refused_after_the_sign_in_waits_no_longer(strict):
    """Somebody took the address while it waited."""
    client, other = with_privileges_gone(strict), strict.native()
    wanted = client.email.replace('@', '-two@')
    flow = client.start('settings')
    answer = client.submit('settings', flow, {'method': 'profile', 'traits': {'email': wanted}}).must(303)
    assert 'refresh=true' in answer.location
    other.register(wanted).must(200)
    back = client.get(refresh(client, answer).location).must(303)
    assert renewed(back) and back.location == f'{UI}/settings?flow={flow.flow_id}'
    assert 4000007 in messages(client.fetch('settings', flow.flow_id).must(200))
    assert client.session()['identity']['traits']['email'] == client.email


def test_what_cannot_be_read_is_no_change_that_was_refused(strict):
    """Sealed with a secret that is gone: the cookie stays, as where nothing waits."""
    client = with_privileges_gone(strict)
    flow, answer = park(client)
    internal, = strict.sql(f"SELECT internal FROM flows WHERE id = '{flow.flow_id}'")[0]
    sealed = json.loads(internal)['parked']['sealed']
    strict.sql(f"UPDATE flows SET internal = REPLACE(internal, '{sealed}', '{sealed[::-1]}') WHERE id = '{flow.flow_id}'")
    back = client.get(refresh(client, answer).location).must(303)
    assert not renewed(back) and messages(client.fetch('settings', flow.flow_id).must(200)) == [4000001]
    assert can_sign_in(strict, client.email, PASSWORD)


def test_what_was_carried_out_is_not_carried_out_again_though_it_stands_in_the_flow(strict):
    """Who submits a flow writes it as they read it, with what was taken out meanwhile."""
    client = with_privileges_gone(strict)
    flow, answer = park(client)
    cookie, (before,) = client.cookies[COOKIE], strict.sql(f"SELECT internal FROM flows WHERE id = '{flow.flow_id}'")
    back = refresh(client, answer)
    client.get(back.location).must(303)
    assert can_sign_in(strict, client.email, NEW)
    client.step('settings', client.start('settings'), {'method': 'password', 'password': THIRD})
    assert can_sign_in(strict, client.email, THIRD)
    strict.sql(f"UPDATE flows SET internal = '{before[0]}' WHERE id = '{flow.flow_id}'")
    client.cookies[COOKIE] = cookie
    client.login(client.email, THIRD, refresh='true').must(303)
    client.get(back.location).must(303)
    assert can_sign_in(strict, client.email, THIRD) and not can_sign_in(strict, client.email, NEW)
