# SPDX-License-Identifier: Apache-2.0
"""Assurance levels: who is asked for a second factor, by which request, and what those get to see who have not shown theirs."""
import copy
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from lib import keys
from lib.account import account, can_sign_in, person
from lib.clients import PASSWORD, error_id, messages, new_email
from lib.levels import SIGN_IN, App, Code, SecurityKey, Spare, step_up
from lib.mailbox import RECOVERY
from lib.reader import Reader
from lib.serving import free_port
from lib.settings import UI, inline, merge, nested

pytestmark = pytest.mark.rules
NEW = 'another-Horse-battery-9'
FACTORS = {'code': Code, 'totp': App, 'lookup_secret': Spare, 'webauthn': SecurityKey}


def schema():
    """One address to sign in with by password, and one that may be there for codes."""
    document = person()
    traits = document['properties']['traits']['properties']
    traits['mail'] = copy.deepcopy(traits['email'])
    traits['mail']['ory.sh/kratos'] = {'credentials': {'code': {'identifier': True, 'via': 'email'}}}
    traits['email']['ory.sh/kratos']['credentials']['webauthn'] = {'identifier': True}
    return document


@pytest.fixture(scope='module', params=list(FACTORS))
def factor(request, post):
    return FACTORS[request.param](post)


@pytest.fixture(params=['browser', 'ajax', 'native'])
def kind(request):
    return request.param


def is_a_case(factor=None, kind=None):
    """For conftest: which pairs there are. Apps cannot show a key."""
    return factor is None or kind != 'native' or not FACTORS[factor].browsers


BY_APPS = pytest.mark.parametrize('kind', ['native'])


@pytest.fixture(scope='module')
def servers(request, database, post, factor):
    """servers(changes...) is one server for all tests that want the same."""
    from conftest import end, start
    running = []

    def serve(*changes):
        for known, server in running:
            if known == changes:
                return server
        tree = merge(account(uri=post.uri), factor.settings)
        for change in changes:
            tree = merge(tree, change)
        tree = merge(tree, {'identity': {'schemas': [{'id': 'person', 'url': inline(schema())}]}})
        server = start(request, database, tree, clock=True)
        server.factor = factor
        running.append((changes, server))
        return server
    yield serve
    for _, server in running:
        end(server)


@pytest.fixture(scope='module')
def server(servers):
    """Both whoami and settings want all that an account has, as they do by default."""
    return servers()


# where what is asked does not hang on the factor: one that is sent and one that is held
MOST = pytest.mark.parametrize('factor', ['code', 'totp'], indirect=True, scope='module')
LAX = nested('session.whoami.required_aal', 'aal1')
LAX_SETTINGS = nested('selfservice.flows.settings.required_aal', 'aal1')
TRANSITIONS = nested('feature_flags.use_continue_with_transitions', True)


# -- people ------------------------------------------------------------------------------

def sign_in(client, **query):
    """By password. The answer."""
    client.token = None
    client.cookies = {}
    flow = client.start('login', query or None)
    answer = client.submit('login', flow, {'method': 'password', 'identifier': client.email, 'password': PASSWORD})
    client._keep_token(answer.must(200, 303, 422))
    return answer


def client_of(server, kind, email):
    client = server.client(kind)
    client.email, client.server, client.sort = email, server, kind
    return client


def somebody(server, kind, has=True):
    """Who is signed in by password, and has a second factor unless `has` is false."""
    owner = client_of(server, 'ajax' if server.factor.browsers else 'native', new_email())
    with_code = {'mail': owner.email} if has and server.factor.method == 'code' else {}
    owner.register(owner.email, **with_code).must(200)
    if has:
        server.factor.give(owner)
    return again(owner, kind)


def again(client, kind=None):
    """Another session of the same person's, with one factor."""
    other = client_of(client.server, kind or client.sort, client.email)
    sign_in(other)
    return other


def all_in(server, kind):
    """Who has shown both factors."""
    client = somebody(server, kind)
    step_up(client, server.factor)
    assert client.session()['authenticator_assurance_level'] == 'aal2'
    return client


def told(answer):
    """What somebody is told, in a word: a flow, a session, an error's id or status, or where they are sent."""
    if answer.location is None:
        body = answer.json
        return 'flow' if 'ui' in body else 'session' if 'session' in body else body['error'].get('id') or body['error']['code']
    path, query = urlsplit(answer.location).path, parse_qs(urlsplit(answer.location).query)
    if path.startswith('/self-service/login/browser'):
        return 'second factor' if query.get('aal') == ['aal2'] else 'first factor'
    return 'error page' if path == '/error' else 'flow' if 'flow' in query else 'back'


def by_kind(kind, person, program):
    return person if kind == 'browser' else program


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


# -- what one factor sees ---------------------------------------------------------------------

def asks_for_second(answer, return_to=None):
    """403 that says where, in both places where clients look."""
    body = answer.must(403).json
    to = body['redirect_browser_to']
    assert body['error']['id'] == 'session_aal2_required' and body['error']['details']['redirect_browser_to'] == to
    assert urlsplit(to).path == '/self-service/login/browser'
    assert parse_qs(urlsplit(to).query) == {'aal': ['aal2'], **({'return_to': [return_to]} if return_to else {})}
    return True


def test_one_factor_sees_no_sessions_but_ends_them(server, kind):
    client = somebody(server, kind)
    other, third = again(client), again(client)
    step_up(other, server.factor)
    assert asks_for_second(client.whoami()) and asks_for_second(client.get('/sessions'))
    listed = other.get('/sessions', accept='application/json').must(200).json
    assert len(listed) == 3 and {s['identity']['traits']['email'] for s in listed} == {client.email}
    client.delete('/sessions/' + other.session()['id'], accept='application/json').must(204)
    assert other.whoami().status == 401 and third.whoami().status == 403
    assert client.delete('/sessions/' + str(uuid.uuid4()), accept='application/json').status == 204
    assert client.delete('/sessions', accept='application/json').must(200).json['count'] >= 1
    assert third.whoami().status == 401
    client.logout().must(204, 303)
    assert client.whoami().status == 401


def test_where_one_factor_is_enough_it_sees_all(servers, kind):
    server = servers(LAX)
    client = somebody(server, kind)
    other = again(client)
    step_up(other, server.factor)
    levels = {s['authenticator_assurance_level'] for s in client.get('/sessions', accept='application/json').must(200).json}
    assert 'aal2' in levels


# -- settings ----------------------------------------------------------------------------------

def test_settings_ask_for_the_second_factor_at_every_step(server, kind):
    client = somebody(server, kind)
    better = again(client)
    step_up(better, server.factor)
    flow = better.start('settings')
    flow_id = flow.json['id']
    base = client.t.public + '/self-service/settings'
    here = f'{UI}/settings?flow={flow_id}'
    begun = client.init('settings', {'return_to': UI + '/inside'})
    fetched = client.fetch('settings', flow_id)
    sent = client.submit('settings', flow, {'method': 'password', 'password': NEW})
    if kind == 'browser':
        assert told(begun) == told(sent) == 'second factor'
        assert parse_qs(urlsplit(begun.location).query)['return_to'] == [f'{base}/browser?' + urlencode({'return_to': UI + '/inside'})]
        assert parse_qs(urlsplit(sent.location).query)['return_to'] == [f'{base}?flow={flow_id}']
    else:
        assert asks_for_second(sent, f'{base}?flow={flow_id}')
        assert begun.must(403).json['error']['id'] == 'session_aal2_required'
    assert told(fetched) == 'second factor' or asks_for_second(fetched, here)
    assert can_sign_in(server, client.email, PASSWORD) and not can_sign_in(server, client.email, NEW)


def test_where_settings_are_content_with_one_factor_they_open(servers, kind):
    server = servers(LAX_SETTINGS)
    client = somebody(server, kind)
    assert client.whoami().status == 403
    after = client.step('settings', client.start('settings'), {'method': 'password', 'password': NEW})
    assert after.must(200).json['state'] == 'success' and client.whoami().status == 403


# -- recovery -----------------------------------------------------------------------------------

def by_code(client, post, query=None):
    flow = client.start('recovery', query)
    sent = client.step('recovery', flow, {'method': 'code', 'email': client.email})
    return client.submit('recovery', sent, {'method': 'code', 'code': post.wait(client.email, RECOVERY).code})


def by_choice(client, post, query=None):
    flow = client.start('recovery', query)
    sent = client.step('recovery', flow, {'recovery_address': client.email})
    return client.submit('recovery', sent, {'code': post.wait(client.email, RECOVERY).code})


def by_link(client, post, query=None):
    flow = client.start('recovery', query)
    client.step('recovery', flow, {'method': 'link', 'email': client.email})
    return client.get(post.wait(client.email, RECOVERY).link)


WAYS = {'code': (by_code, {}), 'choice': (by_choice, nested('feature_flags.choose_recovery_address', True)),
        'link': (by_link, nested('selfservice.flows.recovery.use', 'link'))}


def recover(server, post, kind, way, query=None):
    """Somebody with a second factor who lost the password, and comes back in."""
    client = client_of(server, kind, somebody(server, 'native').email)
    client.accept = client.accept if way != 'link' else 'text/html'       # a mail's link is followed by a browser
    answer = WAYS[way][0](client, post, query)
    if kind == 'native' and way != 'link':
        client.token = next(c['ory_session_token'] for c in answer.must(200).json['continue_with'] if c['action'] == 'set_ory_session_token')
    return client, answer


@MOST
@pytest.mark.parametrize('way, kind', [(w, k) for w in WAYS for k in ('browser', 'ajax', 'native') if (w, k) != ('link', 'native')])
@pytest.mark.parametrize('skips', [False, True])
def test_a_recovery_leads_not_round_the_second_factor(servers, post, way, kind, skips):
    server = servers(WAYS[way][1], TRANSITIONS)
    client, answer = recover(server, post, kind, way, {'skip_settings': 'true'} if skips else None)
    client.accept = server.client(kind).accept
    assert asks_for_second(client.get('/sessions/whoami', accept='application/json'))
    assert asks_for_second(client.get('/sessions', accept='application/json'))
    assert told(client.init('settings')) == by_kind(kind, 'second factor', 'session_aal2_required')
    if not skips:
        settings_id = settings_of(answer)
        assert asks_for_second(client.get('/self-service/settings/flows', {'id': settings_id}, accept='application/json'), f'{UI}/settings?flow={settings_id}')
        data = {'method': 'password', 'password': NEW}
        refused = client.submit('settings', settings_id, data)
        assert refused.status in (303, 403) and told(refused) == by_kind(kind, 'second factor', 'session_aal2_required')
    assert can_sign_in(server, client.email, PASSWORD) and not can_sign_in(server, client.email, NEW)
    step_up(client, server.factor)
    assert client.session()['authentication_methods'][0]['method'] == ('link_recovery' if way == 'link' else 'code_recovery')
    flow = client.start('settings') if skips else client.fetch('settings', settings_of(answer)).must(200)
    assert client.step('settings', flow, {'method': 'password', 'password': NEW}).must(200).json['state'] == 'success'
    assert can_sign_in(server, client.email, NEW)


def settings_of(answer):
    """The id of the settings flow that a recovery leads to."""
    if answer.location:
        return answer.flow_id
    return next(c['flow']['id'] for c in answer.json['continue_with'] if c['action'] == 'show_settings_ui')


def test_a_recovery_where_settings_are_content_with_one_factor(servers, post, kind):
    """As in Kratos: the owner says that one factor is enough for settings. whoami still asks."""
    server = servers(LAX_SETTINGS, TRANSITIONS)
    client, answer = recover(server, post, kind, 'code')
    flow = client.fetch('settings', settings_of(answer)).must(200)
    assert client.step('settings', flow, {'method': 'password', 'password': NEW}).must(200).json['state'] == 'success'
    assert asks_for_second(client.whoami()) and can_sign_in(server, client.email, NEW)


# -- a factor comes, and goes ---------------------------------------------------------------------

def test_who_takes_the_factor_away_stays_and_the_others_are_content(server, kind):
    client = all_in(server, kind)
    half = again(client)
    assert half.whoami().status == 403
    server.factor.take_away(client)
    assert client.session()['authenticator_assurance_level'] == 'aal2' and half.whoami().status == 200
    assert told(half.init('login', {'aal': 'aal2'})) == 'flow'
    assert half.start('settings').status == 200
    fresh = again(client)
    assert fresh.session()['authenticator_assurance_level'] == 'aal1'


def test_a_factor_that_comes_raises_nobody_else(server, kind):
    client = somebody(server, kind, has=False)
    other = again(client)
    assert client.whoami().status == 200 and other.whoami().status == 200
    server.factor.add(client)
    assert asks_for_second(other.whoami())
    assert told(other.init('settings')) == by_kind(kind, 'second factor', 'session_aal2_required')
    if server.factor.proves:
        assert client.session()['authenticator_assurance_level'] == 'aal2'
    else:
        assert asks_for_second(client.whoami())


# -- a passkey is one factor -----------------------------------------------------------------------------

@pytest.fixture(scope='module')
def by_passkey(request, database):
    from conftest import end, start
    server = start(request, database, merge(keys.passkeys(), App.settings), clock=True)
    server.factor = App(None)
    yield server
    end(server)


@pytest.mark.parametrize('sort', ['browser', 'ajax', 'native'])
def test_who_signs_in_by_a_passkey_is_led_to_the_second_factor_as_by_password(by_passkey, sort):
    owner = client_of(by_passkey, 'ajax', new_email())
    key = keys.sign_up(owner, email=owner.email)
    assert owner.session()['authenticator_assurance_level'] == 'aal1'
    by_passkey.factor.give(owner)
    client = client_of(by_passkey, sort, owner.email)
    answer = keys.sign_in(client, key)
    assert told(answer) == {'browser': 'second factor', 'ajax': 'browser_location_change_required', 'native': 'session'}[sort]
    assert sort != 'native' or answer.json['session']['identity'] is None
    assert asks_for_second(client.whoami())
    step_up(client, by_passkey.factor)
    assert [(m['method'], m['aal']) for m in client.session()['authentication_methods']] == [('passkey', 'aal1'), ('totp', 'aal2')]


# -- methods that are switched off ---------------------------------------------------------------------

ALL = merge(merge(Code.settings, App.settings), Spare.settings)
OFF = {'code': nested('selfservice.methods.code.mfa_enabled', False), 'totp': nested('selfservice.methods.totp.enabled', False),
       'lookup_secret': nested('selfservice.methods.lookup_secret.enabled', False)}


@pytest.mark.parametrize('off', [Code, App, Spare])
def test_a_method_that_is_switched_off_shuts_nobody_out_and_lets_nobody_in(serve, stop, post, off):
    """Who had that factor alone goes on with one, until the method is back; who has another one shows that."""
    tree = merge(account(uri=post.uri), {'identity': {'schemas': [{'id': 'person', 'url': inline(schema())}]}})
    server = serve(merge(tree, ALL), clock=True)
    other = (Spare if off is App else App)(post)
    people = {}
    for name, factors in (('alone', [off(post)]), ('both', [off(post), other])):
        server.factor = factors[0]
        half = somebody(server, 'ajax')
        whole = again(half)
        step_up(whole, factors[0])
        if other in factors:
            other.give(whole)
        people[name] = half, whole

    def restart(*changes):
        stop(server, keep=True)
        to = merge(tree, ALL)
        for change in changes:
            to = merge(to, change)
        return serve(to, dir=server.dir, db=server.db, port=server.port, clock=True)

    def seen():
        return {name: (half.whoami().status, half.init('settings').status, whole.whoami().status) for name, (half, whole) in people.items()}
    assert seen() == {'alone': (403, 403, 200), 'both': (403, 403, 200)}
    server = restart(OFF[off.method])
    assert seen() == {'alone': (200, 200, 200), 'both': (403, 403, 200)}
    form = people['alone'][0].start('login', {'aal': 'aal2'})
    assert [n['attributes']['name'] for n in form.json['ui']['nodes']] == ['csrf_token']
    assert told(sign_in(client_of(server, 'ajax', people['alone'][0].email))) == 'session'
    server = restart()
    assert seen() == {'alone': (403, 403, 200), 'both': (403, 403, 200)}


# -- on the built-in pages ---------------------------------------------------------------------------

@pytest.fixture(scope='module')
def pages(request, database, post):
    from conftest import end, start
    own, port, code = {'ui_url': None}, free_port(), Code(post)
    tree = merge(merge(account(uri=post.uri), code.settings), {
        'selfservice': {'default_browser_return_url': '/ui/welcome', 'allowed_return_urls': [f'http://127.0.0.1:{port}'],
                        'flows': {kind: own for kind in ('login', 'registration', 'settings', 'recovery', 'verification', 'error')}},
        'identity': {'schemas': [{'id': 'person', 'url': inline(schema())}]}})
    server = start(request, database, tree, port=port, flags=['ui'])
    server.factor = code
    yield server
    end(server)


def test_a_page_that_one_factor_may_not_see_asks_for_the_second_and_is_there_then(pages, post):
    email, reader = somebody(pages, 'native').email, Reader(pages)
    pages.browser()
    page = reader.send(reader.open('/ui/sessions'), identifier=email, password=PASSWORD)
    assert 'code' in page.fields and urlsplit(page.url).path == '/ui/login'
    assert reader.client.whoami().status == 403 and 'native' not in page.text
    elsewhere = reader.open('/ui/sessions')
    assert urlsplit(elsewhere.url).path == '/ui/login', 'the list is not shown'
    page = reader.send(elsewhere, code=post.wait(email, SIGN_IN, 2).code)
    assert urlsplit(page.url).path == '/ui/sessions' and page.answer.status == 200
    assert reader.client.session()['authenticator_assurance_level'] == 'aal2'


def test_who_comes_back_in_by_a_code_shows_the_second_factor_and_then_sets_the_password(pages, post):
    email, reader = somebody(pages, 'native').email, Reader(pages)
    page = reader.send(reader.open('/self-service/recovery/browser'), email=email)
    page = reader.send(page, code=post.wait(email, RECOVERY).code)
    assert urlsplit(page.url).path == '/ui/login' and 'code' in page.fields
    page = reader.send(page, code=post.wait(email, SIGN_IN).code)
    assert urlsplit(page.url).path == '/ui/settings'
    form = {'csrf_token': page.fields['csrf_token'], 'method': 'password', 'password': NEW}
    reader.follow(reader.client.request('POST', page.action, form=form))
    assert can_sign_in(pages, email, NEW) and not can_sign_in(pages, email, PASSWORD)
