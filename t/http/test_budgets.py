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


def test_each_sign_in_brings_no_new_allowance(server):
    """Who knows the password, and is asked for a code as well, could guess on without end."""
    owner = member(server)
    for _ in range(5 * MESSAGES):
        eve = server.browser()
        eve.login(owner.email, PASSWORD).must(303)
        eve.logout()
        if ask(eve, 'recovery', owner.email).json['state'] == 'choose_method':
            return
    pytest.fail('as often as somebody likes')


def test_what_is_tried_elsewhere_does_not_tell_who_has_an_account(request, database, post):
    """By a sign-up with a code, which is sent to whoever has the address."""
    from conftest import end, start
    limits = nested('mod_kratos.codes', {'max_tries': TRIES, 'max_sent': 50, 'max_messages': 50})
    code = {'identifier': True, 'via': 'email'}
    server = start(request, database, merge(merge(account(uri=post.uri, code=code), limits),
                                            nested('selfservice.methods.code.passwordless_enabled', True)))
    looks = []
    for email in (member(server).email, new_email('nobody')):
        for _ in range(TRIES):
            client, flow, _ = asks(server, email)
            give(client, 'recovery', flow, '000000')
        app = server.native()
        flow = app.start('registration')
        body = {'method': 'code', 'traits': {'email': email}}
        app.submit('registration', flow, body)
        answer = app.submit('registration', flow, {**body, 'code': '000000'})
        looks.append((answer.status, messages(answer)))
    assert looks[0] == looks[1]
    end(server)


def test_guesses_do_not_keep_anybody_from_following_a_link(request, database, post):
    from conftest import end, start
    limits = nested('mod_kratos.codes', {'max_tries': 2, 'max_sent': 50, 'max_messages': 50})
    server = start(request, database, merge(account('link', uri=post.uri), limits))
    owner, lost = member(server), server.browser()
    for _ in range(4):
        eve = server.ajax()
        flow = eve.start('recovery')
        eve.submit('recovery', flow, {'method': 'link', 'email': owner.email}).must(200)
        eve.get('/self-service/recovery', {'flow': flow.json['id'], 'token': 'x' * 32})
    ask(lost, 'recovery', owner.email, 'link')
    assert recovered(lost.get(post.wait(owner.email, RECOVERY, 5).link))
    end(server)


def test_an_app_that_is_signed_in_keeps_an_allowance(request, database, post):
    """Apps have no cookie by which they are known."""
    from conftest import end, start
    limits = nested('mod_kratos.codes', {'max_tries': 50, 'max_sent': 50, 'max_messages': 3})
    settings = merge(account(uri=post.uri, code={'identifier': True, 'via': 'email'}), limits)
    settings = merge(settings, merge(nested('selfservice.methods.code', {'enabled': True, 'mfa_enabled': True}),
                                     nested('session.whoami.required_aal', 'aal1')))
    server = start(request, database, settings)
    app = member(server, 'native')
    while asks(server, app.email)[2].status == 200:
        pass
    flow = app.start('login', {'aal': 'aal2'})
    assert flow.json['state'] == 'sent_email'
    end(server)
