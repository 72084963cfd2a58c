# SPDX-License-Identifier: Apache-2.0
"""Who fails too often is told to wait; whoever it was, known or not; and nobody locks an owner out."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.account import account, give, let_in, member
from lib.backends import modules
from lib.clients import PASSWORD, WRONG, messages, new_email
from lib.settings import merge, nested

IDENTIFIER, NETWORK = 4, 12
WINDOW = 900
PROXY = modules('remoteip')         # the proxy is who connects, and says where a client is
FROM = 'X-Client-Address'
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    limits = nested('mod_kratos.throttle', {'identifier': IDENTIFIER, 'network': NETWORK, 'window': f'{WINDOW}s'})
    server = start(request, database, merge(account(uri=post.uri), limits), flags=['throttle'], clock=True,
                   lines={'global': PROXY, 'extra': f'RemoteIPHeader {FROM}\nRemoteIPInternalProxy 127.0.0.1\n'})
    server.expect_log('KR0652')         # that somebody is refused is said once
    yield server
    end(server)


@pytest.fixture(autouse=True)
def later(server):
    """What other tests have used up does not count any more."""
    server.clock.forward(WINDOW)


_addresses = iter(range(1, 250))


def stranger(server, kind='native', address=None):
    """A client at an address of its own."""
    client = server.client(kind)
    client.headers[FROM] = address or f'203.0.113.{next(_addresses)}'
    return client


def guess(server, email, kind='native', password=WRONG, **kw):
    """A stranger tries a password, each time from elsewhere."""
    return stranger(server, kind, **kw).login(email, password)


def test_after_some_wrong_passwords_nobody_may_try_for_a_while(server):
    owner = member(server, 'native')
    for _ in range(IDENTIFIER):
        assert messages(guess(server, owner.email).must(400)) == [4000006]
    for password in (WRONG, PASSWORD):
        answer = guess(server, owner.email, password=password).must(429)
        assert 0 < int(answer.header('Retry-After')) <= WINDOW
        error = answer.json['error']
        assert (error['code'], error['status']) == (429, 'Too Many Requests') and error['reason']
    server.clock.forward(WINDOW)
    guess(server, owner.email, password=PASSWORD).must(200)


@pytest.mark.parametrize('kind', ['native', 'ajax', 'browser'])
def test_an_identifier_that_nobody_has_looks_the_same(server, kind):
    known, nobody = member(server).email, new_email('nobody')
    looks = [[guess(server, email, kind).status for _ in range(IDENTIFIER + 2)] for email in (known, nobody)]
    assert looks[0] == looks[1]


def test_other_identifiers_are_none_the_worse(server):
    mine, theirs = member(server).email, member(server).email
    for _ in range(IDENTIFIER + 1):
        guess(server, mine)
    guess(server, theirs, password=PASSWORD).must(200)


def test_a_person_is_told_by_the_form(server):
    email = member(server).email
    for _ in range(IDENTIFIER):
        guess(server, email)
    person = stranger(server, 'browser')
    flow = person.start('login')
    person.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD}).must(303)
    shown = person.fetch('login', flow.flow_id).must(200)
    assert messages(shown) == [4000001] and 'too often' in shown.json['ui']['messages'][0]['text']
    assert not let_in(person)


def test_the_owners_browser_keeps_an_allowance(server):
    owner = member(server, 'browser')
    owner.logout()
    for _ in range(2 * IDENTIFIER):
        guess(server, owner.email)
    owner.headers[FROM] = '198.51.100.1'
    assert owner.login(owner.email, WRONG).status == 303 and not let_in(owner)
    owner.login(owner.email)
    assert let_in(owner)


def test_so_does_it_in_a_network_that_is_used_up(server):
    owner, address = member(server, 'browser'), '198.51.100.2'
    owner.logout()
    for _ in range(NETWORK + 1):
        answer = guess(server, new_email('nobody'), address=address)
    assert answer.status == 429
    guess(server, owner.email, password=PASSWORD, address=address).must(429)
    owner.headers[FROM] = address
    owner.login(owner.email)
    assert let_in(owner)


def test_who_succeeds_is_not_counted(server):
    owner = member(server, 'native')
    address = '198.51.100.3'
    for _ in range(NETWORK + IDENTIFIER):
        guess(server, owner.email, password=PASSWORD, address=address).must(200)


def test_a_network_is_refused_whatever_it_tries_and_no_other(server):
    address = '198.51.100.4'
    for n in range(NETWORK):
        assert guess(server, new_email('nobody'), address=address).status == 400, n
    refused = guess(server, new_email('nobody'), address=address).must(429)
    assert int(refused.header('Retry-After')) > 0
    client = stranger(server, 'native', address)
    client.step('recovery', client.start('recovery'), {'method': 'code', 'email': new_email('nobody')}).must(429)
    assert guess(server, new_email('nobody'), address='198.51.100.5').status == 400


@pytest.mark.parametrize('network, other', [('2001:db8:1:2::', '2001:db8:1:3::1')])
def test_of_ipv6_a_whole_network_is_one(server, network, other):
    for n in range(NETWORK):
        guess(server, new_email('nobody'), address=f'{network}{n + 1:x}')
    assert guess(server, new_email('nobody'), address=network + 'ffff').status == 429
    assert guess(server, new_email('nobody'), address=other).status == 400


def test_what_a_client_says_of_its_address_counts_for_nothing(server):
    address = '198.51.100.6'
    for n in range(NETWORK + 1):
        client = stranger(server, 'native', address)
        client.headers |= {'X-Forwarded-For': f'192.0.2.{n}', 'X-Real-IP': f'192.0.2.{n}', 'True-Client-IP': f'192.0.2.{n}'}
        answer = client.login(new_email('nobody'), WRONG)
    assert answer.status == 429


def test_codes_that_are_asked_for_and_wrong_ones_count_for_the_network(server, post):
    address = '198.51.100.7'
    for n in range(NETWORK // 2):
        client = stranger(server, 'ajax', address)
        flow = client.start('recovery')
        asked = client.submit('recovery', flow, {'method': 'code', 'email': new_email('nobody')}).must(200)
        give(client, 'recovery', asked, '000000')
    client = stranger(server, 'ajax', address)
    client.submit('recovery', client.start('recovery'), {'method': 'code', 'email': new_email('nobody')}).must(429)


def test_a_hundred_at_once_are_no_way_round(server):
    email = member(server).email
    clients = [stranger(server) for _ in range(4 * IDENTIFIER)]
    flows = [client.start('login') for client in clients]
    body = {'method': 'password', 'identifier': email, 'password': WRONG}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda c, f: c.submit('login', f, body).status, clients, flows))
    assert answers.count(400) == IDENTIFIER and answers.count(429) == 3 * IDENTIFIER


def test_it_is_said_once_in_the_log(server):
    email = new_email('nobody')
    before = server.log().count('KR0652')
    for _ in range(IDENTIFIER + 5):
        guess(server, email)
    assert server.log().count('KR0652') == before + 1
