# SPDX-License-Identifier: Apache-2.0
"""Codes and links in many hands: used once, whoever is first, and worthless after too many wrong tries."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.account import account, ask, is_verified, member, other_than, recovered
from lib.clients import messages
from lib.mailbox import RECOVERY, VERIFICATION
from lib.settings import UI, merge, nested

CROWD = 50
# kind of flow: subject of its mail, how many-th of them (registration mailed a code for the address, too)
MAILS = {'recovery': (RECOVERY, 1), 'verification': (VERIFICATION, 2), 'login': ('Your code to sign in', 1)}
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database, post):
    """Codes are mailed, to sign in with as well."""
    from conftest import end, start
    server = start(request, database, merge(account(uri=post.uri, code={'identifier': True, 'via': 'email'}),
                                            nested('selfservice.methods.code.passwordless_enabled', True)))
    yield server
    end(server)


def asked(server, post, kind):
    """(who, client, flow, code): somebody, and a stranger's browser that has asked for their code."""
    who = member(server, 'native')
    client = server.ajax()
    field = 'identifier' if kind == 'login' else 'email'
    flow = client.start(kind)
    client.submit(kind, flow, {'method': 'code', field: who.email}).must(200, 400)
    flow = client.fetch(kind, flow.flow_id).must(200)
    assert flow.json['state'] == 'sent_email'
    subject, number = MAILS[kind]
    return who, client, flow, post.wait(who.email, subject, number).code


def body(who, kind, code):
    return {'method': 'code', 'code': code, **({'identifier': who.email} if kind == 'login' else {})}


def got_in(kind, answer):
    """Did the code of that answer do what it is for?"""
    return 1080002 in messages(answer) if kind == 'verification' and answer.status == 200 else recovered(answer)


@pytest.mark.parametrize('kind', list(MAILS))
def test_a_code_that_fifty_submit_at_once_is_used_once(server, post, kind):
    who, client, flow, code = asked(server, post, kind)

    def race(_):
        racer = server.ajax()
        racer.cookies = dict(client.cookies)
        return racer.submit(kind, flow, body(who, kind, code))

    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(race, range(CROWD)))
    assert sum(got_in(kind, answer) for answer in answers) == 1, [a.status for a in answers]
    assert all(answer.status < 500 for answer in answers), [a.status for a in answers]
    if kind == 'verification':
        assert is_verified(who)


@pytest.mark.parametrize('kind', list(MAILS))
def test_after_five_wrong_codes_the_right_one_is_refused(server, post, kind):
    who, client, flow, code = asked(server, post, kind)
    for _ in range(5):
        assert not got_in(kind, client.submit(kind, flow, body(who, kind, other_than(code))))
    answer = client.submit(kind, flow, body(who, kind, code))
    assert answer.status < 500 and not got_in(kind, answer)
    assert client.whoami().status == 401 and not is_verified(who)


@pytest.mark.parametrize('kind', list(MAILS))
def test_after_four_wrong_codes_the_right_one_is_taken(server, post, kind):
    who, client, flow, code = asked(server, post, kind)
    for _ in range(4):
        assert not got_in(kind, client.submit(kind, flow, body(who, kind, other_than(code))))
    assert got_in(kind, client.submit(kind, flow, body(who, kind, code)))


def test_wrong_codes_of_many_at_once_are_all_counted(server, post):
    who, client, flow, code = asked(server, post, 'recovery')

    def guess(number):
        racer = server.ajax()
        racer.cookies = dict(client.cookies)
        return racer.submit('recovery', flow, body(who, 'recovery', f'{(int(code) + number + 1) % 1000000:06}'))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(guess, range(20)))
    assert not got_in('recovery', client.submit('recovery', flow, body(who, 'recovery', code)))


def test_a_link_of_verification_opened_twice_verifies_once(linked, post):
    who = member(linked, 'native')
    link = post.wait(who.email, VERIFICATION).link
    first, second = linked.browser(), linked.browser()
    answers = [client.get(link).must(303) for client in (first, second)]
    assert all(answer.location.startswith(UI + '/verification?flow=') for answer in answers)
    flows = [client.fetch('verification', answer.flow_id) for client, answer in zip((first, second), answers)]
    assert flows[0].json['state'] == 'passed_challenge' and is_verified(who)
    assert flows[1].status == 200 and flows[1].json['state'] != 'passed_challenge'
    assert flows[1].flow_id != flows[0].flow_id


def test_a_link_of_recovery_opened_by_many_lets_one_in(linked, post):
    who = member(linked, 'native')
    ask(linked.browser(), 'recovery', who.email, 'link').must(200)
    link = post.wait(who.email, RECOVERY).link
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: linked.browser().get(link), range(20)))
    assert sum(got_in('recovery', answer) for answer in answers) == 1, [a.status for a in answers]
    assert all(answer.status < 500 for answer in answers)
