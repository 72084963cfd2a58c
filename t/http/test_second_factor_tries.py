# SPDX-License-Identifier: Apache-2.0
"""Guessing a second factor: wrong codes are counted for the account, over all sessions and flows, and then the right one is too late."""
import pytest

from lib.account import member
from lib.clients import messages
from lib.factors import FACTORS, again, at_once, enrol, enrol_codes, give, level, second, step_up, use_code
from lib.settings import merge, nested

TRIES, CROWD = 5, 16
WRONG, UNKNOWN, REASON = 4000008, 4000016, 4000001
pytestmark = pytest.mark.san

@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    server = start(request, database, merge(FACTORS, nested('mod_kratos.codes.max_tries', TRIES)), clock=True)
    yield server
    end(server)


def said(answer):
    assert answer.status == 400
    return messages(answer)


def test_after_too_many_wrong_ones_the_right_one_is_too_late_for_an_hour(server, kind):
    owner = member(server)
    app = enrol(server, owner)
    for _ in range(TRIES):
        assert said(step_up(again(server, owner), app.wrong)) == [WRONG]
    client = again(server, owner, kind)
    flow = second(client)
    for code in (app.next(), app.wrong):            # nothing tells them apart
        give(client, flow, code)
        shown = client.fetch('login', flow.flow_id)
        assert messages(shown) == [REASON] and 'too often' in shown.json['ui']['messages'][0]['text']
    assert level(client) == 'aal1'
    server.clock.forward(3600)
    step_up(again(server, owner), app.next()).must(200)


def test_recovery_codes_are_counted_by_themselves(server):
    owner = member(server)
    app, codes = enrol(server, owner), enrol_codes(owner)
    for _ in range(TRIES):
        assert said(use_code(again(server, owner), 'aaaaaaaa')) == [UNKNOWN]
    assert said(use_code(again(server, owner), codes[0])) == [REASON]
    step_up(again(server, owner), app.next()).must(200)


def test_a_code_that_was_used_counts_as_a_wrong_one(server):
    owner = member(server)
    codes = enrol_codes(owner)
    use_code(again(server, owner), codes[0]).must(200)
    for _ in range(TRIES):
        use_code(again(server, owner), codes[0]).must(400)
    assert said(use_code(again(server, owner), codes[1])) == [REASON]


def test_right_ones_and_what_is_no_code_count_nothing(server):
    owner = member(server)
    app = enrol(server, owner)
    for _ in range(TRIES + 2):
        step_up(again(server, owner), app.next()).must(200)
        client = again(server, owner)
        for code in ('', '12345'):
            give(client, second(client), code).must(400)
    step_up(again(server, owner), app.next()).must(200)


def test_somebody_elses_guesses_are_theirs(server):
    owner, other = member(server), member(server)
    app, theirs = enrol(server, owner), enrol(server, other)
    for _ in range(TRIES + 1):
        step_up(again(server, other), theirs.wrong)
    step_up(again(server, owner), app.next()).must(200)


def test_wrong_ones_of_many_at_once_are_all_counted(server):
    owner = member(server)
    app = enrol(server, owner)
    crowd = [again(server, owner) for _ in range(CROWD)]
    flows, wrong = [second(client) for client in crowd], app.wrong
    answers = at_once([lambda c=c, f=f: give(c, f, wrong) for c, f in zip(crowd, flows)])
    assert sorted(messages(a)[0] for a in answers) == [REASON] * (CROWD - TRIES) + [WRONG] * TRIES
    assert said(step_up(again(server, owner), app.next())) == [REASON]


def test_many_right_ones_at_once_lock_nobody_out(server):
    """Who is overtaken by others of their own has not guessed."""
    owner = member(server)
    codes = enrol_codes(owner)
    crowd = [again(server, owner) for _ in codes]
    flows = [second(client) for client in crowd]
    answers = at_once([lambda c=c, f=f, x=x: use_code(c, x, f) for c, f, x in zip(crowd, flows, codes)])
    assert [a.status for a in answers] == [200] * len(codes)


def test_the_settings_may_set_no_limit(serve):
    server = serve(merge(FACTORS, nested('mod_kratos.codes.max_tries', 0)), clock=True)
    owner = member(server)
    app = enrol(server, owner)
    for _ in range(30):
        assert said(step_up(again(server, owner), app.wrong)) == [WRONG]
    step_up(again(server, owner), app.next()).must(200)
