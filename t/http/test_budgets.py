# SPDX-License-Identifier: Apache-2.0
"""Guessing spread over many flows: codes and tries are counted for the account, or for the address that nobody has."""
import pytest

from lib.account import account, ask, give, member, other_than, recovered
from lib.clients import PASSWORD, messages, new_email
from lib.mailbox import RECOVERY
from lib.settings import merge, nested

TRIES, SENT, MESSAGES = 6, 12, 4
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    limits = nested('mod_kratos.codes', {'max_tries': TRIES, 'max_sent': SENT, 'max_messages': MESSAGES})
    notify = nested('selfservice.flows.recovery.notify_unknown_recipients', False)
    server = start(request, database, merge(merge(account(uri=post.uri), limits), notify))
    yield server
    end(server)


def seen(answer):
    return answer.status, messages(answer) if answer.status == 200 else None


def asks(server, email):
    """A stranger, each time another one, asks for a code: their client, and what came of it."""
    client = server.ajax()
    flow = client.start('recovery')
    return client, flow, client.submit('recovery', flow, {'method': 'code', 'email': email})


def test_an_address_gets_no_more_messages_whoever_asks(server, post):
    known = member(server).email
    post.wait(known)                    # that of the sign-up counts, too
    for email, left in ((known, MESSAGES - 1), (new_email('nobody'), MESSAGES)):
        for _ in range(left):
            assert asks(server, email)[2].status == 200
        client, flow, answer = asks(server, email)
        assert answer.status == 400 and messages(answer) == [4000001]
        assert answer.json['state'] == 'choose_method', 'nothing was sent, and nothing says so'
    post.wait(known, count=MESSAGES)
    assert len(post.to(known)) == MESSAGES


def test_tries_are_counted_over_all_flows_and_known_and_unknown_look_alike(server, post):
    known, nobody = member(server).email, new_email('nobody')
    looks = []
    for email in (known, nobody):
        look = []
        for number in range(TRIES + 2):
            if number % (MESSAGES - 1) == 0:
                client, flow, answer = asks(server, email)
            look.append(seen(give(client, 'recovery', flow, '000000')))
        looks.append(look)
    assert looks[0] == looks[1]
    assert looks[0][TRIES - 1] != looks[0][TRIES], 'the last one is refused in another way: it was not looked at'


def test_who_guesses_has_used_up_the_right_code_as_well(server, post):
    who = member(server).email
    client, flow, _ = asks(server, who)
    code = post.wait(who, RECOVERY).code
    for number in range(TRIES):
        if number % 4 == 0:
            other, another, _ = asks(server, who)
        give(other, 'recovery', another, other_than(code))
    answer = give(client, 'recovery', flow, code)
    assert not recovered(answer) and answer.status < 500


def test_a_browser_that_was_in_before_keeps_an_allowance(server, post):
    owner = member(server, 'browser')
    owner.logout()
    strangers = 0
    while asks(server, owner.email)[2].status == 200:
        strangers += 1
    flow = ask(owner, 'recovery', owner.email)
    assert flow.json['state'] == 'sent_email'
    code = post.wait(owner.email, RECOVERY, strangers + 1).code
    assert recovered(give(owner, 'recovery', flow, code))


def test_another_account_in_the_same_browser_is_a_stranger(server):
    owner, eve = member(server), member(server, 'browser')
    eve.logout()
    while asks(server, owner.email)[2].status == 200:
        pass
    assert ask(eve, 'recovery', owner.email).json['state'] == 'choose_method'
    assert eve.login(eve.email, PASSWORD).status == 303
