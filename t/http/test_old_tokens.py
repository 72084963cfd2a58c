# SPDX-License-Identifier: Apache-2.0
"""The cookie of before a refresh works for a minute more, for what is on its way: as what it was, and nothing better."""
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from lib.account import account, can_sign_in, member
from lib.clients import PASSWORD
from lib.serving import wait_for
from lib.settings import merge, nested

NEW = 'another-Horse-battery-9'
AGE = 60        # seconds that a sign-in is fresh
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    code = {'identifier': True, 'via': 'email'}
    server = start(request, database, merge(account(uri=post.uri, code=code),
                                            nested('selfservice.flows.settings.privileged_session_max_age', f'{AGE}s')), clock=True)
    yield server
    end(server)


def stolen(server, client):
    """Somebody else with a copy of the cookies."""
    thief = server.browser()
    thief.cookies, thief.email = dict(client.cookies), client.email
    return thief


def confirm(client):
    """The owner proves again who they are."""
    begun = client.get('/self-service/login/browser', {'refresh': 'true'}).must(303)
    flow = client.fetch('login', begun.flow_id).must(200)
    client.submit('login', flow, {'method': 'password', 'identifier': client.email, 'password': PASSWORD}).must(303)


def test_the_old_cookie_does_not_inherit_the_fresh_proof(server):
    owner = member(server, 'browser')
    server.clock.forward(AGE + 1)
    thief = stolen(server, owner)
    flow = thief.start('settings')
    before = owner.session()
    confirm(owner)
    assert thief.whoami().status == 200, 'it works for what is on its way'
    assert thief.session()['authenticated_at'] == before['authenticated_at'] < owner.session()['authenticated_at']
    answer = thief.submit('settings', flow, {'method': 'password', 'password': NEW}).must(303)
    assert 'refresh=true' in answer.location
    assert can_sign_in(server, owner.email, PASSWORD)


def test_what_a_thief_has_parked_is_not_carried_out_by_the_owners_sign_in(server):
    owner = member(server, 'browser')
    server.clock.forward(AGE + 1)
    thief = stolen(server, owner)
    asked = thief.submit('settings', thief.start('settings'), {'method': 'password', 'password': NEW}).must(303)
    assert 'refresh=true' in asked.location
    back = parse_qs(urlsplit(asked.location).query)['return_to'][0]
    confirm(owner)
    again = thief.get(back).must(303)
    assert 'refresh=true' in again.location
    assert can_sign_in(server, owner.email, PASSWORD) and not can_sign_in(server, owner.email, NEW)


def test_who_refreshes_with_the_old_cookie_gets_a_session_of_their_own(server):
    owner = member(server, 'browser')
    thief = stolen(server, owner)
    confirm(owner)
    confirm(thief)                      # who has the password, too, is let in, but takes nothing over
    assert owner.whoami().status == 200
    assert thief.session()['id'] != owner.session()['id']


def test_an_app_keeps_its_token(server):
    app = member(server, 'native')
    token = app.token
    app.login(app.email, refresh='true').must(200)
    assert app.token == token and len(app.session()['authentication_methods']) == 2


@pytest.fixture(scope='module')
def second(request, database, post):
    """A mailed code is the second factor."""
    from conftest import end, start
    methods = nested('selfservice.methods.code', {'enabled': True, 'mfa_enabled': True})
    slow = nested('hashers.argon2', {'memory': '64MB', 'iterations': 6, 'parallelism': 1})     # so that others can act meanwhile
    settings = merge(account(uri=post.uri, code={'identifier': True, 'via': 'email'}),
                     merge(methods, merge(slow, nested('session.whoami.required_aal', 'aal1'))))
    server = start(request, database, settings)
    yield server
    end(server)


def step_up(client, post):
    """The second factor, by the code that is sent to the one address."""
    begun = client.get('/self-service/login/browser', {'aal': 'aal2'}).must(303)
    code = post.wait(client.email, 'Your code to sign in').code
    flow = client.fetch('login', begun.flow_id).must(200)
    return client.submit('login', flow, {'method': 'code', 'identifier': client.email, 'code': code}).must(303)


def test_the_old_cookie_stays_at_its_level_after_a_step_up(second, post):
    owner = member(second, 'browser')
    thief = stolen(second, owner)
    assert owner.session()['authenticator_assurance_level'] == 'aal1'
    step_up(owner, post)
    assert owner.session()['authenticator_assurance_level'] == 'aal2'
    seen = thief.session()
    assert seen['authenticator_assurance_level'] == 'aal1'
    assert [m['aal'] for m in seen['authentication_methods']] == ['aal1']


def test_a_refresh_under_way_does_not_take_over_what_a_step_up_has_made(second, post):
    owner = member(second, 'browser')
    thief = stolen(second, owner)       # who has the password, too
    begun = owner.get('/self-service/login/browser', {'aal': 'aal2'}).must(303)
    code = post.wait(owner.email, 'Your code to sign in').code
    flow = owner.fetch('login', begun.flow_id).must(200)
    with ThreadPoolExecutor(1) as pool:
        refresh = pool.submit(confirm, thief)
        wait_for(lambda: int(second.sql("SELECT COUNT(*) FROM flows WHERE kind = 'login' AND refresh = 1")[0][0]))
        time.sleep(0.15)                # now it is hashing, which nothing tells outside
        owner.submit('login', flow, {'method': 'code', 'identifier': owner.email, 'code': code}).must(303)
        refresh.result()
    mine, theirs = owner.session(), thief.session()
    assert mine['authenticator_assurance_level'] == 'aal2'
    assert theirs['authenticator_assurance_level'] == 'aal1' and theirs['id'] != mine['id']
