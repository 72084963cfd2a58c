# SPDX-License-Identifier: Apache-2.0
"""A double click: two posts of one form, on their way at once."""
import copy
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.clients import PASSWORD, WRONG, new_email
from lib.settings import UI, nested

pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    server = start(request, database, nested('hashers.argon2', {'memory': '16MB', 'iterations': 2, 'parallelism': 1}))
    yield server
    end(server)


def twin(client):
    """The same browser: what it sends carries the cookies of now, whatever the answer to the other brings."""
    other = copy.copy(client)
    other.cookies = dict(client.cookies)
    return other


def send_at_once(client, kind, flow, bodies):
    """Each body from a browser with the same cookies; the browsers and their answers."""
    clients = [twin(client) for _ in bodies]
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda pair: pair[0].submit(kind, flow, pair[1]), zip(clients, bodies)))
    return clients, answers


@pytest.mark.parametrize('kind', ['browser', 'ajax'])
@pytest.mark.parametrize('clicks', [2, 4])
def test_a_sign_up_that_is_sent_at_once_makes_one_account_and_every_answer_signs_in(server, kind, clicks):
    client, email = server.client(kind), new_email()
    flow = client.start('registration')
    body = {'method': 'password', 'password': PASSWORD, 'traits': {'email': email}}
    if kind == 'browser':
        body = {'method': 'password', 'password': PASSWORD, 'traits.email': email}
    clients, answers = send_at_once(client, 'registration', flow, [body] * clicks)
    assert {a.status for a in answers} == {303 if kind == 'browser' else 200}, [a.body for a in answers]
    if kind == 'browser':
        assert {a.location for a in answers} == {UI + '/'}
    assert len({c.session()['identity']['id'] for c in clients}) == 1
    assert server.client('ajax').login(email).status == 200


def test_only_who_has_the_password_is_let_in_by_the_second(server):
    client, email = server.browser(), new_email()
    flow = client.start('registration')
    bodies = [{'method': 'password', 'password': p, 'traits.email': email} for p in (PASSWORD, WRONG, PASSWORD, WRONG)]
    clients, answers = send_at_once(client, 'registration', flow, bodies)
    signed_in = {body['password'] for body, c in zip(bodies, clients) if c.whoami().status == 200}
    assert len(signed_in) == 1                                      # who was first chose the password
    assert all((a.status == 303) == (b['password'] in signed_in) for a, b in zip(answers, bodies))


@pytest.mark.parametrize('kind', ['browser', 'ajax'])
def test_a_sign_in_that_is_sent_at_once_signs_in_with_every_answer(server, kind):
    email = new_email()
    server.client('ajax').register(email).must(200)
    client = server.client(kind)
    flow = client.start('login')
    clients, answers = send_at_once(client, 'login', flow, [{'method': 'password', 'identifier': email, 'password': PASSWORD}] * 3)
    assert {a.status for a in answers} == {303 if kind == 'browser' else 200}
    assert all(c.whoami().status == 200 for c in clients)


def test_the_second_post_after_the_first_answer_ends_where_that_did(server):
    client, email = server.browser(), new_email()
    flow = client.start('registration')
    body = {'method': 'password', 'password': PASSWORD, 'traits.email': email}
    first = client.submit('registration', flow, body).must(303)
    assert client.submit('registration', flow, body).must(302, 303).location == first.location
    assert client.whoami().status == 200
