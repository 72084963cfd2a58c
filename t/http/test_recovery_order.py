# SPDX-License-Identifier: Apache-2.0
"""Recovery: what of a submit is looked at, in which order, and what each kind of client is told."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.account import account, ask, give, member, other_than, recovered
from lib.clients import error_id, messages
from lib.mailbox import RECOVERY
from lib.settings import UI, merge, nested

pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    server = start(request, database, account(uri=post.uri))
    yield server
    end(server)


@pytest.fixture(scope='module')
def transitions(request, database, post):
    """As `server`, for programs that are told where to go on."""
    from conftest import end, start
    server = start(request, database, merge(account(uri=post.uri), nested('feature_flags.use_continue_with_transitions', True)))
    yield server
    end(server)


@pytest.fixture(scope='module')
def choosing(request, database, post):
    """People choose among their addresses."""
    from conftest import end, start
    server = start(request, database, merge(account(uri=post.uri), nested('feature_flags.choose_recovery_address', True)))
    yield server
    end(server)


def csrf_cookie(client):
    return client.cookie('csrf_token_')[1]


def sets_cookie(answer, start=''):
    return any(k.lower() == 'set-cookie' and v.startswith(start) for k, v in answer.headers)


def renewed(answer):
    return sets_cookie(answer, 'csrf_token_')


def asked(server, post, kind, who=None):
    """(client, flow, code): somebody who asked for a code to the address of `who`."""
    email = (who or member(server, 'native')).email
    client = server.client(kind)
    flow = ask(client, 'recovery', email).must(200)
    client.email = email
    return client, flow, post.wait(email, RECOVERY).code


def told(client, answer, status):
    """The flow that an answer shows, or that a person is shown after it; `status` is what programs get."""
    if client.kind != 'browser':
        return answer.must(status)
    assert answer.must(303).location.startswith(UI + '/recovery?flow=')
    return client.fetch('recovery', answer.flow_id).must(200)


def shown(flow):
    return flow.json['state'], flow.json['active'], messages(flow)


def let_in(answer):
    return recovered(answer) or (answer.status == 422 and error_id(answer) == 'browser_location_change_required')


# -- the code is tried by the state alone ----------------------------------------------

WAYS = {'no_method': {}, 'link': {'method': 'link'}, 'unknown': {'method': 'pigeon'}, 'empty_method': {'method': ''},
        'empty_email': {'method': 'code', 'email': ''}}


@pytest.mark.parametrize('way', WAYS)
def test_the_code_is_tried_whatever_the_method_says(server, post, kind, way):
    client, flow, code = asked(server, post, kind)
    wrong = told(client, client.submit('recovery', flow, {**WAYS[way], 'code': other_than(code)}), 200)
    assert shown(wrong) == ('sent_email', 'code', [4060006])
    answer = client.submit('recovery', flow, {**WAYS[way], 'code': code})
    assert let_in(answer)
    assert answer.status == (303 if kind == 'browser' else 422)


@pytest.mark.parametrize('fields', [{}, {'code': ''}, {'method': 'code'}, {'method': 'code', 'code': ''}, {'method': 'link'}])
def test_no_code_is_a_wrong_code_and_counts(server, post, kind, fields):
    client, flow, code = asked(server, post, kind)
    for _ in range(5):
        assert shown(told(client, client.submit('recovery', flow, fields), 200)) == ('sent_email', 'code', [4060006])
    answer = give(client, 'recovery', flow, code)
    assert answer.status == 303 and answer.location.split('=')[-1] != flow.flow_id, 'the tries are used up'
    assert client.whoami().status == 401


def test_who_signed_in_meanwhile_still_finishes_the_recovery(server, post, kind):
    who = member(server, 'native')
    client, flow, code = asked(server, post, kind, who)
    client.login(who.email).must(200, 303)
    csrf = client.start('login', {'refresh': 'true'}).csrf if kind != 'native' else False   # the form of before ends with the sign-in
    before = client.cookie('ory_kratos_session')[1]
    answer = client.submit('recovery', flow.flow_id, {'code': code}, csrf=csrf)
    assert answer.status == (303 if kind == 'browser' else 422)
    assert 'settings?flow=' in (answer.location or answer.json.get('redirect_browser_to'))
    if kind != 'native':
        assert renewed(answer) and client.cookie('ory_kratos_session')[1] != before


def test_the_step_of_the_address_is_not_for_who_is_signed_in(server, post, kind):
    who = member(server, 'native')
    client, flow, _ = asked(server, post, kind, who)
    client.login(who.email).must(200, 303)
    csrf = client.start('login', {'refresh': 'true'}).csrf if kind != 'native' else False
    for fields in ({'method': 'code', 'email': who.email}, {'email': who.email}, {'method': 'pigeon', 'email': who.email}):
        answer = client.submit('recovery', flow.flow_id, fields, csrf=csrf)
        if kind == 'browser':
            assert answer.status == 302 and answer.location == UI + '/'
        else:
            assert answer.status == 400 and error_id(answer) == 'session_already_available'
    assert len(post.to(who.email, RECOVERY)) == 1


def test_a_token_of_another_browser_is_refused_before_the_code_is_looked_at(server, post):
    for kind in ('browser', 'ajax'):
        client, flow, code = asked(server, post, kind)
        before = csrf_cookie(client)
        answer = client.submit('recovery', flow, {'code': code}, csrf='A' * 43)
        assert answer.status == (303 if kind == 'browser' else 403) and not let_in(answer)
        assert csrf_cookie(client) != before
        again = client.start('recovery')
        assert let_in(client.submit('recovery', flow.flow_id, {'code': code}, csrf=again.csrf)), 'nor was it used up'


@pytest.mark.parametrize('headers', [{'Cookie': 'a=b'}, {'Origin': 'https://app.example.org'}])
def test_an_app_that_looks_like_a_browser_is_told_so(server, post, headers):
    client, flow, code = asked(server, post, 'native')
    answer = client.submit('recovery', flow, {'code': code}, headers=headers).must(400)
    assert shown(answer) == ('sent_email', 'code', [4000001])
    assert let_in(give(client, 'recovery', flow, code))


# -- the step of the address -----------------------------------------------------------

def test_the_address_needs_the_method(server, post, kind):
    client, flow, code = asked(server, post, kind)
    for fields in ({'email': client.email}, {'email': client.email, 'method': ''}, {'email': client.email, 'method': 'pigeon'},
                   {'email': client.email, 'method': 'link'}, {'email': client.email, 'code': code}):
        after = told(client, client.submit('recovery', flow, fields), 400)
        assert shown(after) == ('sent_email', 'default', [4010005])
    assert len(post.to(client.email, RECOVERY)) == 1
    after = told(client, give(client, 'recovery', flow, other_than(code)), 200)
    assert shown(after) == ('sent_email', 'code', [4060006]), 'the flow goes on'
    assert let_in(give(client, 'recovery', flow, code))


def test_a_code_before_the_address_is_no_try(server, kind):
    client = server.client(kind)
    flow = client.start('recovery')
    after = told(client, client.submit('recovery', flow, {'code': '123456'}), 400)
    assert shown(after) == ('choose_method', 'default', [4010005])
    after = told(client, client.submit('recovery', flow, {'method': 'code', 'code': '123456'}), 400)
    assert shown(after) == ('choose_method', 'code', [4000002])
    after = told(client, client.submit('recovery', flow, {'method': 'code', 'email': 'no address'}), 400)
    assert shown(after) == ('choose_method', 'code', [4000040])


def test_nobody_recovers_by_opening_the_address_of_the_form(server, post, kind):
    """A code is typed into a form: a GET tries none, and ends nobody's form."""
    client, flow, code = asked(server, post, kind)
    for _ in range(6):
        answer = client.get('/self-service/recovery', {'flow': flow.flow_id, 'code': other_than(code), 'csrf_token': flow.csrf or ''})
        assert shown(told(client, answer, 400)) == ('sent_email', 'code', [4000001])
        assert not sets_cookie(answer)
    assert let_in(give(client, 'recovery', flow, code))


# -- the form of a finished flow -------------------------------------------------------

def finished(server, post, kind):
    """(client, flow, code, token for a next submit): somebody who is in again."""
    client, flow, code = asked(server, post, kind)
    answer = give(client, 'recovery', flow, code)
    assert let_in(answer) or answer.status == 200
    return client, flow, code, (client.start('login', {'refresh': 'true'}).csrf if kind != 'native' else False)


def begun_anew(client, answer, flow):
    """The new flow that an answer leads to."""
    where = f'{UI}/recovery?flow=' if client.kind == 'browser' else f'{client.t.public}/self-service/recovery/flows?id='
    assert answer.must(303).location.startswith(where)
    new = client.get(answer.location.replace(UI + '/recovery?flow=', client.t.public + '/self-service/recovery/flows?id='),
                     accept='application/json').must(200)
    assert new.json['id'] != flow.flow_id and new.json['state'] == 'choose_method'
    return new


def test_the_used_code_of_a_finished_flow_begins_a_new_one(server, post, kind):
    client, flow, code, csrf = finished(server, post, kind)
    answer = client.submit('recovery', flow.flow_id, {'method': 'code', 'code': code}, csrf=csrf)
    assert renewed(answer) and not recovered(answer)
    new = begun_anew(client, answer, flow)
    assert messages(new) == [4000001] and 'reason' in new.json['ui']['messages'][0]['context']


@pytest.mark.parametrize('fields', [{}, {'method': 'code'}, {'code': ''}, {'code': 'wrong'}, {'method': 'pigeon'}])
def test_another_code_of_a_finished_flow_is_a_wrong_one(server, post, kind, fields):
    client, flow, code, csrf = finished(server, post, kind)
    if fields.get('code') == 'wrong':
        fields = {'code': other_than(code)}
    after = told(client, client.submit('recovery', flow.flow_id, fields, csrf=csrf), 200)
    assert shown(after) == ('passed_challenge', 'code', [4060006])


def test_an_address_for_a_finished_flow_begins_a_new_one(server, post, kind):
    client, flow, _, csrf = finished(server, post, kind)
    client.logout() if kind != 'native' else None
    csrf = client.start('login').csrf if kind != 'native' else False
    after = told(client, client.submit('recovery', flow.flow_id, {'email': client.email}, csrf=csrf), 400) \
        if kind == 'native' else client.submit('recovery', flow.flow_id, {'email': client.email}, csrf=csrf)
    assert after.status in (200, 303, 400)
    answer = client.submit('recovery', flow.flow_id, {'method': 'code', 'email': client.email}, csrf=csrf)
    assert renewed(answer)
    assert messages(begun_anew(client, answer, flow)) == [4060001]
    assert len(post.to(client.email, RECOVERY)) == 1


def test_programs_may_be_told_where_to_go_on(transitions, post, kind):
    client, flow, code, csrf = finished(transitions, post, kind)
    answers = [client.submit('recovery', flow.flow_id, {'code': code}, csrf=csrf)]
    if kind != 'native':
        client.logout()
        csrf = client.start('login').csrf
    answers.append(client.submit('recovery', flow.flow_id, {'method': 'code', 'email': client.email}, csrf=csrf))
    for answer, message in zip(answers, (4000001, 4060001)):
        assert renewed(answer)
        if kind == 'browser':
            new = answer.must(303).flow_id
        else:
            assert answer.must(400).json['error'].get('id') is None
            step, = answer.json['error']['details']['continue_with']
            assert step['action'] == 'show_recovery_ui'
            new = step['flow']['id']
        if kind == 'native' or answer is answers[-1]:
            seen = client.fetch('recovery', new).must(200)
            assert new != flow.flow_id and messages(seen) == [message] and seen.json['state'] == 'choose_method'


# -- a double click ----------------------------------------------------------------------

def place(answer):
    """Where an answer leads to."""
    return answer.location if answer.status == 303 else answer.json['redirect_browser_to']


def clicked(server, post, kind):
    """(client, first answer, cookies of before it, what sends the same form once more): somebody who is in again."""
    client, flow, code = asked(server, post, kind)
    before = dict(client.cookies)

    def once_more(code=code):
        return give(client, 'recovery', flow, code)
    return client, once_more(), before, once_more


@pytest.mark.parametrize('kind', ['browser', 'ajax'])
def test_the_same_form_sent_again_ends_where_it_did(server, post, kind):
    client, first, _, once_more = clicked(server, post, kind)
    session = client.session()['id']
    second = once_more()
    assert (second.status, place(second)) == (first.status, place(first))
    assert not sets_cookie(second) and client.session()['id'] == session
    settings = client.fetch('settings', place(second).split('=')[-1]).must(200)
    assert messages(settings) == [1060001]


def test_two_posts_at_once_let_the_browser_in_by_either_answer(server, post):
    """The browser shows the answer to the second post, and may have thrown away the cookies of the first."""
    client, first, before, once_more = clicked(server, post, 'browser')
    session, kept = client.session()['id'], dict(client.cookies)
    client.cookies = dict(before)
    second = once_more()
    assert (second.status, place(second)) == (303, place(first)) and recovered(second)
    assert client.session()['id'] == session, 'there is one session'
    client.fetch('settings', second.flow_id).must(200)
    # the code is none for anybody else: with the cookies of the first answer alone, and with none
    client.cookies = kept
    assert client.whoami().status == 401


def test_two_calls_of_a_script_at_once_make_one_session(server, post):
    client, first, before, once_more = clicked(server, post, 'ajax')
    client.cookies = dict(before)
    second = once_more()
    assert (second.status, place(second)) == (422, place(first)) and not sets_cookie(second)


@pytest.mark.parametrize('kind', ['browser', 'ajax'])
def test_two_posts_at_the_very_same_moment_end_at_one_place(server, post, kind):
    client, flow, code = asked(server, post, kind)
    racers = [server.client(kind) for _ in range(2)]

    def click(racer):
        racer.cookies = dict(client.cookies)
        return give(racer, 'recovery', flow, code)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(click, racers))
    assert {a.status for a in answers} == {303 if kind == 'browser' else 422}
    assert len({place(a) for a in answers}) == 1 and '/settings?flow=' in place(answers[0])
    assert sum(recovered(a) for a in answers) == (2 if kind == 'browser' else 1)
    assert [r.whoami().status for r in racers].count(200) == 1


def test_the_same_form_lets_nobody_in_whose_session_has_ended(server, post):
    for kind in ('browser', 'ajax'):
        client, _, before, once_more = clicked(server, post, kind)
        client.logout()
        client.cookies = dict(before)
        answer = once_more()
        assert answer.status == 303 and not recovered(answer) and 'settings' not in answer.location
        assert client.whoami().status == 401


def test_the_same_form_lets_nobody_in_by_another_code_or_from_elsewhere(server, post):
    client, _, before, once_more = clicked(server, post, 'browser')
    code = post.wait(client.email, RECOVERY).code
    client.cookies = dict(before)
    assert not recovered(once_more(other_than(code)))
    thief = server.browser()                            # knows the code and the flow, not the form
    thief.start('login')
    client.cookies = dict(thief.cookies)
    answer = once_more()
    assert not recovered(answer) and client.whoami().status == 401


# -- a choice of address: the state alone says what a submit is -------------------------

STEPS = ({'method': 'code'}, {}, {'method': 'link'}, {'method': 'pigeon'}, {'method': ''})


@pytest.mark.parametrize('more', STEPS)
def test_with_a_choice_of_address_the_state_alone_counts(choosing, post, kind, more):
    email = member(choosing, 'native').email
    client = choosing.client(kind)
    flow = client.start('recovery')
    assert flow.json['state'] == 'recovery_awaiting_address'

    def step(fields, status=200):
        return told(client, client.submit('recovery', flow, {**more, **fields}), status)
    for missing in ({}, {'recovery_address': ''}, {'email': email}, {'code': '123456'}):
        after = step(missing, 400)
        assert shown(after) == ('recovery_awaiting_address', 'code', [4000002])
        assert field_with(after, 4000002) == 'recovery_address'
    assert step({'recovery_address': email}).json['state'] == 'recovery_awaiting_code'
    for missing in ({}, {'code': ''}, {'recovery_confirm_address': ''}, {'email': email}):
        after = step(missing, 400)
        assert shown(after) == ('recovery_awaiting_code', 'code', [4000002])
        assert field_with(after, 4000002) == 'recovery_confirm_address'
    assert shown(step({'recovery_confirm_address': email}))[0] == 'recovery_awaiting_code'
    code = post.wait(email, RECOVERY, 2).code
    assert shown(step({'code': other_than(code)})) == ('recovery_awaiting_code', 'code', [4060006])
    assert step({'screen': 'previous'}).json['state'] == 'recovery_awaiting_address'
    assert step({'recovery_address': email}).json['state'] == 'recovery_awaiting_code'
    assert let_in(client.submit('recovery', flow, {**more, 'code': post.wait(email, RECOVERY, 3).code}))


def field_with(flow, message):
    return next(n['attributes']['name'] for n in flow.json['ui']['nodes'] if message in [m['id'] for m in n['messages']])


def test_with_a_choice_of_address_a_session_is_in_the_way_of_every_step(choosing, post, kind):
    who = member(choosing, 'native')
    client = choosing.client(kind)
    flow = client.start('recovery')
    client.submit('recovery', flow, {'recovery_address': who.email}).must(200, 303)
    code = post.wait(who.email, RECOVERY).code
    client.login(who.email).must(200, 303)
    csrf = client.start('login', {'refresh': 'true'}).csrf if kind != 'native' else False
    for fields in ({'code': code}, {'screen': 'previous'}, {'recovery_confirm_address': who.email}, {}):
        answer = client.submit('recovery', flow.flow_id, fields, csrf=csrf)
        if kind == 'browser':
            assert answer.status == 302 and answer.location == UI + '/'
        else:
            assert answer.status == 400 and error_id(answer) == 'session_already_available'


# -- by link: a submit that brings no token ----------------------------------------------

def sends(client, how, flow, fields, csrf=None):
    """The same fields by POST or by GET."""
    fields = {**fields, **({'csrf_token': csrf} if csrf else {})}
    if how == 'POST':
        return client.submit('recovery', flow.flow_id, {**fields, 'more': '1'})
    return client.get('/self-service/recovery', {'flow': flow.flow_id, **fields})


@pytest.mark.parametrize('token', [{}, {'token': ''}])
@pytest.mark.parametrize('how', ['POST', 'GET'])
def test_by_link_a_submit_without_token_is_read_as_a_form(linked, kind, how, token):
    client = linked.client(kind)
    flow = client.start('recovery')
    for fields, wanted in (({}, ('default', 4010005)), ({'method': 'code', 'email': 'x@example.org'}, ('default', 4010005)),
                           ({'method': 'pigeon'}, ('default', 4010005)), ({'email': 'x@example.org'}, ('default', 4010005)),
                           ({'method': 'link'}, ('link', 4000002)), ({'method': 'link', 'email': ''}, ('link', 4000002))):
        answer = sends(client, how, flow, {**fields, **token})
        assert not sets_cookie(answer)
        after = told(client, answer, 400)
        assert after.json['id'] == flow.flow_id
        assert (after.json['active'], *messages(after)) == wanted
        assert shown(after)[0] == 'choose_method'


@pytest.mark.parametrize('how', ['POST', 'GET'])
@pytest.mark.parametrize('kind', ['browser', 'ajax'])
def test_by_link_only_a_mail_needs_the_token_of_the_form(linked, post, kind, how):
    email, client = member(linked, 'native').email, linked.client(kind)
    flow = client.start('recovery')
    for csrf in (None, 'A' * 43):
        answer = sends(client, how, flow, {'method': 'link', 'email': email}, csrf)
        assert not sets_cookie(answer), 'nobody ends the form by a stray request'
        if kind == 'ajax':
            assert answer.status == 403 and error_id(answer) == 'security_csrf_violation'
        else:
            assert answer.status == 303 and answer.location.startswith(UI + '/error')
    after = told(client, sends(client, how, flow, {'method': 'link', 'email': email}, flow.csrf), 200)
    assert shown(after) == ('sent_email', 'link', [1060002])
    post.wait(email, RECOVERY)
    assert len(post.to(email, RECOVERY)) == 1


@pytest.mark.parametrize('how', ['POST', 'GET'])
def test_by_link_a_stranger_is_given_no_token_of_the_form(linked, how):
    owner, stranger = linked.ajax(), linked.ajax()
    flow = owner.start('recovery')
    answer = sends(stranger, how, flow, {}).must(400)
    assert answer.csrf == '' and not sets_cookie(answer)
    other = stranger.start('login')
    answer = sends(stranger, how, flow, {}).must(400)
    assert answer.csrf and not sets_cookie(answer)
    assert stranger.submit('login', other, {'method': 'password', 'identifier': 'x', 'password': 'y'}, csrf=answer.csrf).status == 400
    assert owner.fetch('recovery', flow.flow_id).status == 200


@pytest.mark.parametrize('how', ['POST', 'GET'])
@pytest.mark.parametrize('token', [{}, {'token': ''}])
def test_by_link_who_is_signed_in_is_told_so_first(linked, kind, how, token):
    client = member(linked, kind)
    flow = linked.client(kind).start('recovery')
    for fields in ({}, {'method': 'code'}, {'method': 'link'}, {'method': 'link', 'email': client.email}):
        answer = sends(client, how, flow, {**fields, **token})
        if kind == 'browser':
            assert answer.status == 302 and answer.location == UI + '/'
        else:
            assert answer.status == 400 and error_id(answer) == 'session_already_available'
        assert not sets_cookie(answer)


@pytest.mark.parametrize('how', ['POST', 'GET'])
def test_by_link_a_finished_recovery_begins_anew(linked, post, kind, how):
    email, client = member(linked, 'native').email, linked.client(kind)
    flow = ask(client, 'recovery', email, 'link').must(200)
    linked.browser().get(post.wait(email, RECOVERY).link).must(303)
    answer = sends(client, how, flow, {})
    assert not sets_cookie(answer)
    if kind != 'browser':
        assert shown(answer.must(400)) == ('passed_challenge', 'default', [4010005])
    answer = sends(client, how, flow, {'method': 'link'}).must(303)
    assert renewed(answer)
    where = f'{linked.url}/self-service/recovery/flows?id=' if kind == 'native' else f'{UI}/recovery?flow='
    assert answer.location.startswith(where)
    new = client.fetch('recovery', answer.location.split('=')[-1]).must(200)
    assert new.json['id'] != flow.flow_id and shown(new) == ('choose_method', 'link', [4060001])
