# SPDX-License-Identifier: Apache-2.0
"""What those see and do who have not shown their second factor: sessions, settings, recovery; and factors that come and go."""
import uuid
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from lib import keys
from lib.account import account, can_sign_in
from lib.assurance import (LAX, LAX_SETTINGS, MOST, NEW, TRANSITIONS, again, all_in, by_kind, client_of, factor, is_a_case, kind,  # noqa: F401
                           schema, server, servers, sign_in, somebody, told)
from lib.clients import PASSWORD, new_email
from lib.levels import SIGN_IN, App, Code, Spare, step_up
from lib.mailbox import RECOVERY
from lib.reader import Reader
from lib.serving import free_port
from lib.settings import UI, inline, merge, nested

pytestmark = pytest.mark.rules


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
