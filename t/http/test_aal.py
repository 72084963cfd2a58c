# SPDX-License-Identifier: Apache-2.0
"""Assurance levels: who is asked for a second factor, by which request. What those see who have not shown theirs: test_aal_scope.py."""
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from lib.assurance import (BY_APPS, LAX, MOST, again, all_in, by_kind, client_of, factor, is_a_case, kind, server, servers,  # noqa: F401
                           sign_in, somebody, told)
from lib.clients import PASSWORD, error_id, messages
from lib.levels import step_up
from lib.settings import UI

pytestmark = pytest.mark.rules


# -- the answer of a sign-in ---------------------------------------------------------------

def test_who_signs_in_by_password_is_led_to_the_second_factor_and_then_where_they_wanted(server, kind):
    client = client_of(server, kind, somebody(server, 'native').email)
    answer = sign_in(client, return_to=UI + '/inside?x=1')
    if kind == 'native':
        session = answer.json['session']
        assert session['identity'] is None and session['authenticator_assurance_level'] == 'aal1'
    else:
        assert answer.status == by_kind(kind, 303, 422)
        to = answer.location or answer.json['redirect_browser_to']
        assert urlsplit(to).path == '/self-service/login/browser'
        assert parse_qs(urlsplit(to).query) == {'aal': ['aal2'], 'return_to': [UI + '/inside?x=1']}
    assert error_id(client.whoami().must(403)) == 'session_aal2_required'
    answer = step_up(client, server.factor, {'return_to': UI + '/inside?x=1'})
    session = client.session()
    assert [m['aal'] for m in session['authentication_methods']] == ['aal1', 'aal2']
    assert session['identity']['traits']['email'] == client.email
    if kind == 'browser':
        assert answer.location == UI + '/inside?x=1'
    else:
        assert answer.json['session']['identity']['traits']['email'] == client.email


def test_who_has_no_second_factor_is_in_at_once(server, kind):
    client = client_of(server, kind, somebody(server, 'native', has=False).email)
    answer = sign_in(client)
    assert told(answer) == by_kind(kind, 'back', 'session') and client.whoami().status == 200
    if kind != 'browser':
        assert answer.json['session']['identity']['traits']['email'] == client.email


def test_where_one_factor_is_enough_nobody_is_led_on(servers, kind):
    server = servers(LAX)
    client = client_of(server, kind, somebody(server, 'native').email)
    answer = sign_in(client)
    assert told(answer) == by_kind(kind, 'back', 'session') and client.session()['authenticator_assurance_level'] == 'aal1'
    if kind != 'browser':
        assert answer.json['session']['identity']['traits']['email'] == client.email


def test_who_confirms_the_first_factor_alone_is_led_to_the_second_as_well(server, kind):
    client = somebody(server, kind)
    flow = client.start('login', {'refresh': 'true'})
    answer = client.submit('login', flow, {'method': 'password', 'identifier': client.email, 'password': PASSWORD})
    client._keep_token(answer)
    assert told(answer) == {'browser': 'second factor', 'ajax': 'browser_location_change_required', 'native': 'session'}[kind]
    assert kind != 'native' or answer.json['session']['identity'] is None
    assert client.whoami().status == 403


# -- beginning a login ---------------------------------------------------------------------

# level of the session, aal=, refresh= -> (people, scripts and apps), messages of the flow; 'S' stands for those of the second factor
BEGIN = {
    ('none', None, None): ('flow', 'flow', []),
    ('none', None, 'true'): ('flow', 'flow', []),
    ('none', 'aal1', None): ('flow', 'flow', []),
    ('none', 'aal2', None): ('error page', 'session_aal1_required', None),
    ('none', 'aal2', 'true'): ('error page', 'session_aal1_required', None),
    ('aal1', None, None): ('back', 'session_already_available', None),
    ('aal1', None, 'false'): ('back', 'session_already_available', None),
    ('aal1', 'aal1', None): ('back', 'session_already_available', None),
    ('aal1', 'AAL1', '1'): ('flow', 'flow', [1010003]),
    ('aal1', 'aal1', 'perhaps'): ('back', 'session_already_available', None),
    ('aal1', 'aal2', None): ('flow', 'flow', 'S'),
    ('aal1', 'AAL2', None): ('flow', 'flow', 'S'),
    ('aal1', 'aal2', 'true'): ('flow', 'flow', 'RS'),
    ('aal2', None, None): ('back', 'session_already_available', None),
    ('aal2', 'aal1', None): ('back', 'session_already_available', None),
    ('aal2', 'aal1', 'true'): ('flow', 'flow', [1010003]),
    ('aal2', 'aal2', None): ('back', 'session_already_available', None),
    ('aal2', 'aal2', 'T'): ('flow', 'flow', 'R'),
    **{(level, odd, None): ('error page', 400, None) for level in ('none', 'aal1', 'aal2') for odd in ('aal0', 'aal3', 'aal', '2', 'aal2 ')},
    **{('aal1', odd, 'true'): ('error page', 400, None) for odd in ('aal0', 'aal3')},
}


@pytest.fixture(scope='module')
def people(server):
    """Somebody of each level and kind: beginning a flow changes nothing of them."""
    known = {}

    def one(level, kind):
        if level == 'none':
            return client_of(server, kind, None)
        if (level, kind) not in known:
            known[level, kind] = (somebody if level == 'aal1' else all_in)(server, kind)
        return known[level, kind]
    return one


@MOST
@pytest.mark.parametrize('level, aal, refresh', list(BEGIN), ids=lambda v: str(v))
def test_a_login_that_begins(server, people, kind, level, aal, refresh):
    person, program, said = BEGIN[level, aal, refresh]
    query = {k: v for k, v in (('aal', aal), ('refresh', refresh)) if v is not None}
    client = people(level, kind)
    if level != 'none':
        client.server.clock.forward(1)
    answer = client.init('login', query)
    assert told(answer) == by_kind(kind, person, program)
    if said is None:
        return
    flow = client.fetch('login', answer.flow_id).must(200)
    letters = {'S': server.factor.messages, 'R': server.factor.refreshing, 'RS': server.factor.refreshing_first}
    assert messages(flow) == (letters[said] if isinstance(said, str) else said)
    assert flow.json['requested_aal'] == (aal or 'aal1').lower()
    assert flow.json['refresh'] is (level != 'none' and refresh in ('true', '1', 'T'))


@pytest.mark.parametrize('query', [{'aal': 'aal2'}, {'aal': 'aal2', 'refresh': 'true'}, {'aal': 'aal2', 'identity_schema': 'none'}])
def test_a_second_factor_that_nobody_has_is_asked_for_by_an_empty_form(server, kind, query):
    client = somebody(server, kind, has=False)
    flow = client.start('login', query)
    assert [n['attributes']['name'] for n in flow.json['ui']['nodes'] or []] == ([] if kind == 'native' else ['csrf_token'])
    after = client.step('login', flow, {'method': server.factor.method, 'code': '123456', 'totp_code': '123456', 'lookup_secret': 'abcdefgh'})
    assert messages(after) and after.json['requested_aal'] == 'aal2'
    assert client.session()['authenticator_assurance_level'] == 'aal1'


# -- submitting it --------------------------------------------------------------------------

def take_over(client, other):
    """From now on `client` has the session of `other`, and what else it had."""
    if client.kind == 'native':
        client.token = other.token
    else:
        client.cookies |= {k: v for k, v in other.cookies.items() if k == 'ory_kratos_session'}


def lose(client):
    client.token = None
    client.cookies.pop('ory_kratos_session', None)


def test_a_session_that_ended_meanwhile_gets_no_second_factor(server, kind):
    client = somebody(server, kind)
    other = again(client)
    flow = server.factor.asked(client)
    other.delete('/sessions', accept='application/json').must(200)
    answer = client.submit('login', flow, flow.shown)
    assert told(answer) == by_kind(kind, 'error page', 'session_aal1_required')
    assert client.whoami().status == 401 and other.whoami().status == 403


def test_a_second_factor_without_a_session_is_nothing(server, kind):
    client = somebody(server, kind)
    flow = server.factor.asked(client)
    lose(client)
    answer = client.submit('login', flow, flow.shown)
    assert told(answer) == by_kind(kind, 'error page', 'session_aal1_required') and client.whoami().status == 401


def test_the_second_factor_of_somebody_else_is_wrong(server, kind):
    """Somebody's flow, and what they would show in it, with the session of another person."""
    client, eve = somebody(server, kind), somebody(server, kind)
    flow = server.factor.asked(client)
    take_over(client, eve)
    after = client.step('login', flow, flow.shown)
    assert set(messages(after)) & {server.factor.refused, server.factor.unknown}
    assert client.whoami().status == 403


def test_a_person_shows_their_own_factor_in_a_flow_of_somebody_elses(server, kind):
    """Whose flow it was says nothing: the session says who is asked. What was sent for the one is no proof of the other."""
    client, eve = somebody(server, kind), somebody(server, kind)
    flow, own = server.factor.asked(client), server.factor.asked(eve)
    take_over(client, eve)
    after = client.step('login', flow, own.shown)
    if server.factor.method in ('code', 'webauthn'):
        assert messages(after) and client.whoami().status == 403
    else:
        client._keep_token(after)
        assert client.session()['identity']['traits']['email'] == eve.email


def test_a_flow_of_before_has_nothing_to_add_to_a_session_that_has_both(server, kind):
    client = somebody(server, kind)
    flow = server.factor.asked(client)
    step_up(client, server.factor)
    before = client.session()
    answer = client.submit('login', flow, flow.shown)
    assert answer.status == by_kind(kind, 303, 400)
    if kind == 'browser':
        assert told(answer) == 'back'
    else:
        assert messages(answer) == [4000001]
    assert client.session()['authentication_methods'] == before['authentication_methods']


def test_a_wrong_factor_changes_nothing_and_the_right_one_still_counts(server, kind):
    client = somebody(server, kind)
    flow = server.factor.asked(client)
    again_ = client.step('login', flow, flow.wrong)
    assert server.factor.refused in messages(again_) and client.whoami().status == 403
    client._keep_token(client.submit('login', again_, flow.shown).must(200, 303))
    assert client.session()['authenticator_assurance_level'] == 'aal2'


NOT_SECOND = [{}, {'method': 'password', 'password': PASSWORD}, {'method': 'code'}, {'method': 'totp'}, {'method': 'lookup_secret'},
              {'method': 'webauthn'}, {'method': 'profile'}, {'method': ['totp']}, {'method': None}]


def test_no_first_factor_counts_as_the_second(server, kind):
    client = somebody(server, kind)
    flow = client.start('login', {'aal': 'aal2'})
    for fields in NOT_SECOND:
        after = client.step('login', flow, {**fields, **({'identifier': client.email} if 'password' in fields else {})})
        assert after.status in (200, 303, 400, 404), fields         # 404: a method that is off
        assert client.whoami().status == 403


def test_the_session_stays_the_same_and_an_app_keeps_its_token(servers, kind):
    server = servers(LAX)
    client = somebody(server, kind)
    before, token = client.session(), client.token
    step_up(client, server.factor)
    after = client.session()
    assert after['id'] == before['id'] and client.token == token and after['issued_at'] == before['issued_at']
    assert [(m['method'], m['aal']) for m in after['authentication_methods']] == [('password', 'aal1'), (server.factor.method, 'aal2')]


def test_who_confirms_both_is_as_sure_as_before_and_fresher(server, kind):
    client = all_in(server, kind)
    server.clock.forward(60)
    before = client.session()
    step_up(client, server.factor, {'refresh': 'true'})
    after = client.session()
    assert after['authenticator_assurance_level'] == 'aal2' and after['authenticated_at'] > before['authenticated_at']
    flow = client.start('login', {'refresh': 'true'})
    answer = client.submit('login', flow, {'method': 'password', 'identifier': client.email, 'password': PASSWORD})
    client._keep_token(answer)
    assert told(answer) == by_kind(kind, 'back', 'session')
    second = server.factor.method
    assert [m['method'] for m in client.session()['authentication_methods']] == ['password', second, second, 'password']


def test_a_form_that_expired_asks_for_the_second_factor_again(server, kind):
    client = somebody(server, kind)
    flow = server.factor.asked(client)
    server.clock.forward(601)
    answer = client.submit('login', flow, flow.shown)
    new = client.fetch('login', answer.flow_id if kind == 'browser' else answer.must(410).json['use_flow_id']).must(200)
    assert new.json['requested_aal'] == 'aal2' and 4010001 in messages(new) and new.json['id'] != flow.json['id']
    assert client.whoami().status == 403


def test_the_cookie_of_before_a_refresh_gets_a_session_of_its_own(servers):
    """What the session has become since is not for who comes with the old cookie."""
    server = servers(LAX)
    owner = somebody(server, 'browser')
    flow = server.factor.asked(owner)
    old = client_of(server, 'browser', owner.email)
    old.cookies = dict(owner.cookies)
    confirm = owner.start('login', {'refresh': 'true'})
    owner.submit('login', confirm, {'method': 'password', 'identifier': owner.email, 'password': PASSWORD}).must(303)
    assert old.submit('login', flow, flow.shown).must(303) and old.session()['authenticator_assurance_level'] == 'aal2'
    assert owner.session()['authenticator_assurance_level'] == 'aal1' and old.session()['id'] != owner.session()['id']


@BY_APPS
def test_of_twenty_that_show_the_same_at_once_one_session_is_raised(server, kind):
    one = somebody(server, kind)
    others = [again(one) for _ in range(19)]
    flow = server.factor.asked(one)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda c: c.submit('login', flow, flow.shown), [one, *others]))
    assert sorted(a.status for a in answers) == [200] + [400] * 19
    assert sorted(c.whoami().status for c in [one, *others]) == [200] + [403] * 19


@BY_APPS
def test_of_twenty_posts_of_one_session_one_counts(server, kind):
    client = somebody(server, kind)
    flow = server.factor.asked(client)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.submit('login', flow, flow.shown), range(20)))
    assert [a.status for a in answers].count(200) == 1 and {a.status for a in answers} <= {200, 400}
    assert len(client.session()['authentication_methods']) == 2
