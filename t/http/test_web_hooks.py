# SPDX-License-Identifier: Apache-2.0
"""Web hooks: what they are told of which flow, and what their answers come to."""
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.account import account, ask, change, give, member, recovered
from lib.clients import PASSWORD, messages, new_email
from lib.hooks import ALL, EMPTY, hook, lists, no, parsing
from lib.mailbox import RECOVERY
from lib.serving import wait_for
from lib.settings import inline, merge
from test_settings import refusal, with_setting

OURS = re.compile(r'KR08[56]\d|KR0201')         # what the log says of targets that misbehave
pytestmark = pytest.mark.usefixtures('forget')


def hooks_everywhere(target):
    """`before` may stop each flow, `first` may change or stop what is sent, `then` is told of it."""
    return lists(
        login__before=[parsing(target, '/login/before')],
        login__after__password=[parsing(target, '/login/first'), hook(target, '/login/then')],
        registration__before=[parsing(target, '/registration/before')],
        registration__after__password=[parsing(target, '/registration/first'), hook(target, '/registration/then'), {'hook': 'session'}],
        settings__before=[parsing(target, '/settings/before')],
        settings__after__profile=[parsing(target, '/settings/first'), hook(target, '/settings/then')],
        settings__after__password=[hook(target, '/settings/password', can_interrupt=True)],
        recovery__before=[parsing(target, '/recovery/before')],
        recovery__after=[parsing(target, '/recovery/first'), hook(target, '/recovery/then')],
        verification__before=[parsing(target, '/verification/before')],
        verification__after=[parsing(target, '/verification/first'), hook(target, '/verification/then')])


@pytest.fixture(scope='module')
def hooked(request, database, post, target):
    from conftest import end, start
    server = start(request, database, merge(account('code', uri=post.uri), hooks_everywhere(target)))
    server.expect_log(OURS.pattern)
    yield server
    end(server)


def stored(server, identity):
    return server.ctl.json('identity', 'get', identity['id'])[0]


def keys(tree, found=None):
    found = set() if found is None else found
    if isinstance(tree, dict):
        for key, value in tree.items():
            found.add(key)
            keys(value, found)
    elif isinstance(tree, list):
        for value in tree:
            keys(value, found)
    return found


# -- what they are told -----------------------------------------------------------
def test_each_flow_asks_its_hooks_in_their_order_and_only_once(hooked, target, kind):
    client = member(hooked, kind)
    change(client, method='profile', traits={'email': client.email, 'name': 'Ada'})
    hooked.client(kind).login(client.email).must(200, 303)
    assert target.paths() == ['/registration/before', '/registration/first', '/registration/then', '/settings/before', '/settings/first',
                              '/settings/then', '/login/before', '/login/first', '/login/then']


def test_a_program_is_told_of_flow_account_session_and_request(hooked, target):
    client = member(hooked)
    target.forget()
    client.headers.update({'X-Secret': 'mine', 'Accept-Language': 'de'})
    client.submit('login', client.start('login', {'refresh': 'true'}),
                  {'method': 'password', 'identifier': client.email, 'password': PASSWORD, 'transient_payload': {'a': [1]}}).must(200)
    ctx, session = target.to('/login/then')[0].json, client.session()
    assert sorted(ctx) == ['flow', 'identity', 'request_cookies', 'request_headers', 'request_method', 'request_url', 'session']
    assert ctx['flow']['transient_payload'] == {'a': [1]} and ctx['flow']['ui']['nodes'] and ctx['flow']['refresh'] is True
    assert ctx['identity']['id'] == session['identity']['id'] and ctx['session']['identity'] == ctx['identity']
    assert ctx['request_method'] == 'POST' and ctx['request_url'].startswith(hooked.url)
    assert ctx['request_headers']['Accept-Language'] == ['de'] and 'X-Secret' not in ctx['request_headers']
    assert {'Cookie', 'Authorization'}.isdisjoint(ctx['request_headers'])
    assert ctx['request_cookies'] == dict(client.cookies) | ctx['request_cookies'] and 'ory_kratos_session' in ctx['request_cookies']
    assert {'credentials', 'metadata_admin', 'password', 'token'}.isdisjoint(keys(ctx))
    assert target.to('/login/then')[0].headers['Content-Type'] == 'application/json'
    assert 'identity' not in target.to('/login/before')[0].json


def test_the_session_that_is_told_of_is_the_one_that_begins(hooked, target, kind):
    client = member(hooked, kind)
    other = hooked.client(kind)
    other.login(client.email).must(200, 303)
    told = target.to('/login/then')[0].json['session']
    assert told['id'] == other.session()['id'] and told['devices'][0]['id'] == other.session()['devices'][0]['id']


def test_a_sign_up_is_told_of_before_and_after_it_is_made(hooked, target, kind):
    client = member(hooked, kind)
    first, then = target.to('/registration/first')[0].json['identity'], target.to('/registration/then')[0].json['identity']
    assert first['traits'] == then['traits'] == {'email': client.email}
    assert first['verifiable_addresses'][0]['status'] == 'pending' and then['verifiable_addresses'][0]['status'] == 'sent'
    assert then['id'] == client.session()['identity']['id']


def test_settings_show_what_the_account_would_become(hooked, target):
    client = member(hooked)
    change(client, method='profile', traits={'email': client.email, 'name': 'Ada'})
    first, then = target.to('/settings/first')[0].json, target.to('/settings/then')[0].json
    assert first['identity']['traits']['name'] == then['identity']['traits']['name'] == 'Ada'
    assert first['session']['id'] == client.session()['id']
    assert first['flow']['state'] == 'show_form' and then['flow']['state'] == 'success'
    change(client, method='password', password='another-Horse-battery-9')
    assert target.to('/settings/password')


# -- what comes of their answers ------------------------------------------------------
BIG = b'{"x": "' + b'a' * (6 * 1024 * 1024) + b'"}'

# answer -> what programs get. Nothing is made but where it is 200.
ANSWERS = [
    (200, {}, 200), (204, b'', 200), (302, b'', 200), (200, {'identity': None}, 200), (200, {'identity': {}}, 200), (200, {'more': 1}, 200),
    (200, b'<html>hello</html>', 500), (200, b'', 500), (200, [], 500), (200, b'null', 500), (200, {'identity': []}, 500),
    (200, {'identity': {'traits': 'x'}}, 500), (200, {'identity': {'state': 'asleep'}}, 500), (200, {'identity': {'state': 4}}, 500),
    (200, {'identity': {'schema_id': 'nobody'}}, 500), (200, {'identity': {'external_id': {}}}, 500),
    (200, {'identity': {'verifiable_addresses': {}}}, 500), (200, {'identity': {'verifiable_addresses': [{'value': 'x'}]}}, 500),
    (200, {'identity': {'metadata_public': 'x' * 50000}}, 500),
    (200, BIG, 502), (400, no('#/traits/email', 'No.'), 400), (403, no('', 'No.'), 400), (501, no('#/', 'No.'), 400),
    (400, {}, 500), (400, {'messages': []}, 500), (400, {'messages': 'no'}, 500), (400, b'no', 500),
    (400, {'messages': [{'messages': [{'id': 'x', 'text': 'y'}]}]}, 500), (400, no('#/' + 'a' * 300, 'No.'), 500),
    (400, no('#/', *['No.'] * 51), 500), (400, no('#/', 'x' * 20000), 500),
]


@pytest.mark.san
@pytest.mark.rules
@pytest.mark.parametrize('status, body, becomes', ANSWERS)
def test_what_an_answer_comes_to(hooked, target, status, body, becomes):
    target.says('/registration/first', status, body, headers={'Location': target.url + '/elsewhere'})
    client = hooked.ajax()
    assert client.register(email := new_email()).status == becomes
    assert '/elsewhere' not in target.paths() and len(target.to('/registration/first')) == 1
    target.forget()
    assert (hooked.ajax().login(email).status == 200) == (becomes == 200)


@pytest.mark.san
def test_messages_stand_on_their_nodes_for_each_kind_of_client(hooked, target, kind):
    client = member(hooked, kind)
    answer = {'messages': no('#/traits/name', 'Not this name.')['messages'] + no('#/', 'Not today.', id=4900002)['messages']}
    target.says('/settings/first', 400, answer)
    client.submit('settings', flow := client.start('settings'),
                  {'method': 'profile', 'traits': {'email': client.email, 'name': 'Bob'}}).must(303 if kind == 'browser' else 400)
    flow = client.fetch('settings', flow.flow_id).json
    node = next(n for n in flow['ui']['nodes'] if n['attributes']['name'] == 'traits.name')
    assert [m['text'] for m in node['messages']] == ['Not this name.'] and node['attributes']['value'] == 'Bob'
    assert [m['id'] for m in flow['ui']['messages']] == [4900002]
    assert client.session()['identity']['traits'] == {'email': client.email}


def test_a_hook_that_only_listens_fails_a_sign_in_but_not_what_is_written(hooked, target):
    client = member(hooked)
    target.says('/login/then', 400)
    assert hooked.native().login(client.email).status == 502
    target.says('/settings/then', 404)
    assert change(client, method='profile', traits={'email': client.email, 'name': 'Ada'}).status == 502
    assert client.session()['identity']['traits']['name'] == 'Ada'
    target.says('/registration/then', 410)
    other = hooked.ajax()
    assert other.register(email := new_email()).status == 502
    target.forget()
    other.login(email).must(200)


def test_people_are_shown_the_error_page_where_a_target_fails(hooked, target):
    client = member(hooked, 'browser')
    target.says('/login/then', 400)
    answer = hooked.browser().login(client.email).must(303)
    error = client.get('/self-service/errors', {'id': answer.location.split('id=')[1]}, accept='application/json').json['error']
    assert error['code'] == 502 and target.url not in str(error)


def test_a_busy_target_is_asked_again_with_the_same_body(hooked, target):
    answers = iter([(503, {}), (429, {}), (200, {'identity': {'traits': {'email': (email := new_email()), 'name': 'Third'}}})])
    target.says('/registration/first', lambda call: next(answers))
    assert hooked.ajax().register(email).must(200).json['identity']['traits']['name'] == 'Third'
    calls = target.to('/registration/first')
    ids = [{k.lower(): v for k, v in c.headers.items()} for c in calls]
    assert len({c.text for c in calls}) == 1 and len({i['ory-webhook-trigger-id'] for i in ids}) == 1
    assert len({i['ory-webhook-request-id'] for i in ids}) == 3


# -- changes ------------------------------------------------------------------------
@pytest.mark.san
def test_an_answer_makes_the_account(hooked, target):
    email, other = new_email(), new_email('other')
    target.says('/registration/first', 200, {'identity': {
        'traits': {'email': other, 'name': 'Hooked'}, 'metadata_public': {'tier': 3}, 'metadata_admin': {'secret': True},
        'external_id': 'ext-' + other, 'verifiable_addresses': [{'value': other.upper(), 'via': 'email', 'verified': True}]}})
    client = hooked.ajax()
    identity = client.register(email).must(200).json['identity']
    assert identity['traits'] == {'email': other, 'name': 'Hooked'} and identity['metadata_public'] == {'tier': 3}
    assert identity['external_id'] == 'ext-' + other and 'metadata_admin' not in identity
    assert [(a['value'], a['verified'], a['status']) for a in identity['verifiable_addresses']] == [(other, True, 'completed')]
    target.forget()
    assert client.session()['identity']['traits'] == identity['traits']
    assert hooked.ajax().login(other).status == 200 and hooked.ajax().login(email).status == 400
    assert stored(hooked, identity)['metadata_admin'] == {'secret': True}


def test_what_the_schema_forbids_is_said_at_its_node(hooked, target):
    target.says('/registration/first', 200, {'identity': {'traits': {'email': 'nope', 'name': 'x'}}})
    client = hooked.ajax()
    answer = client.register(email := new_email())
    assert answer.status == 400 and 4000040 in messages(answer)
    target.forget()
    assert hooked.ajax().login(email).status == 400


def test_an_account_that_a_hook_makes_inactive_is_made_and_let_in_by_nobody(hooked, target, kind):
    target.says('/registration/first', 200, {'identity': {'state': 'inactive'}})
    client = hooked.client(kind)
    answer = client.register(email := new_email())
    assert answer.status == (302 if kind == 'browser' else 400) and not recovered(answer)
    assert 4010011 in messages(client.fetch('registration', answer.flow_id))
    assert client.whoami().status == 401 and not target.to('/registration/then')
    target.forget()
    assert 4010011 in messages(hooked.ajax().login(email))


@pytest.mark.san
def test_settings_become_what_the_hook_says(hooked, target):
    client = member(hooked)
    target.says('/settings/first', 200, {'identity': {'traits': {'email': client.email, 'name': 'Hooked'}, 'metadata_public': {'n': 1},
                                                      'metadata_admin': [2], 'external_id': client.email}})
    change(client, method='profile', traits={'email': client.email, 'name': 'Ada'})
    identity = client.session()['identity']
    assert identity['traits']['name'] == 'Hooked' and identity['metadata_public'] == {'n': 1} and identity['external_id'] == client.email
    assert stored(hooked, identity)['metadata_admin'] == [2]
    target.says('/settings/first', 200, {'identity': {'external_id': None, 'metadata_public': None, 'state': 'inactive'}})
    change(client, method='profile', traits={'email': client.email})
    now = stored(hooked, identity)
    assert now['state'] == 'inactive' and not now.get('external_id') and now['metadata_public'] is None
    assert client.whoami().status == 401


def test_an_account_that_changes_while_a_hook_thinks_is_asked_about_once_more(hooked, target):
    client = member(hooked)
    flow, busy, identity_id = client.start('settings'), iter([1]), client.session()['identity']['id']

    def meanwhile(call):
        if next(busy, None):
            hooked.ctl('identity', 'enable', identity_id)
        return 200, {'identity': {'metadata_public': {'seen': call.json['identity']['traits']['name']}}}
    target.says('/settings/first', meanwhile)
    client.submit('settings', flow, {'method': 'profile', 'traits': {'email': client.email, 'name': 'Ada'}}).must(200)
    assert client.session()['identity']['metadata_public'] == {'seen': 'Ada'}
    assert len(target.to('/settings/first')) == 2


def test_who_is_always_overtaken_is_told_so(hooked, target):
    client = member(hooked)
    identity_id = client.session()['identity']['id']

    def meanwhile(_call):
        hooked.ctl('identity', 'enable', identity_id)
        return 200, {'identity': {'metadata_public': {'never': 'stored'}}}
    flow = client.start('settings')
    target.says('/settings/first', meanwhile)
    assert client.submit('settings', flow, {'method': 'profile', 'traits': {'email': client.email, 'name': 'Ada'}}).status == 409
    assert client.session()['identity']['metadata_public'] is None


def test_at_a_sign_in_an_answer_is_shown_and_not_stored(hooked, target, kind):
    client = member(hooked, kind)
    target.says('/login/first', 200, {'identity': {'metadata_public': {'tier': 3}, 'state': 'inactive'}})
    other = hooked.client(kind)
    answer = other.login(client.email).must(200, 303)
    assert kind == 'browser' or answer.json['session']['identity']['metadata_public'] == {'tier': 3}
    assert target.to('/login/then')[0].json['identity']['metadata_public'] == {'tier': 3}
    assert other.session()['identity']['metadata_public'] is None


# -- before flows ---------------------------------------------------------------------
@pytest.mark.rules
@pytest.mark.parametrize('flow', ['login', 'registration', 'settings', 'recovery', 'verification'])
def test_a_no_before_a_flow_is_told_in_its_own_words(hooked, target, flow, kind):
    client = member(hooked, kind) if flow == 'settings' else hooked.client(kind)
    target.says(f'/{flow}/before', 400, no('#/', 'Not before nine.'))
    answer = client.init(flow)
    if answer.location:                 # people see it on the error page
        answer = client.get('/self-service/errors', {'id': answer.location.split('id=')[1]}, accept='application/json')
    error = answer.json['error']
    assert error['code'] == 400 and error['reason'] == 'Not before nine.'
    assert error['details']['messages'] == [{'id': 4900001, 'text': 'Not before nine.', 'type': 'error'}]


# -- recovery, verification -------------------------------------------------------------
def recover(hooked, post, kind):
    client = member(hooked, 'native')
    other = hooked.client(kind)
    flow = ask(other, 'recovery', client.email)
    return other, give(other, 'recovery', flow, post.wait(client.email, RECOVERY).code)


def test_a_recovery_asks_its_hooks_and_those_before_settings(hooked, target, post, kind):
    client, answer = recover(hooked, post, kind)
    assert answer.status in (200, 303, 422)
    assert target.paths()[-3:] == ['/recovery/first', '/recovery/then', '/settings/before']
    ctx, before = target.to('/recovery/then')[0].json, target.to('/settings/before')[0].json
    assert ctx['flow']['state'] == 'passed_challenge' and 'session' not in ctx and 'identity' not in before
    assert before['flow']['id'] in (answer.location or str(answer.json))


@pytest.mark.parametrize('path', ['/recovery/first', '/recovery/then', '/settings/before'])
def test_nobody_is_let_in_by_a_recovery_that_a_hook_stops(hooked, target, post, path):
    target.says(path, 403, no('#/', 'Not you.'))
    client, answer = recover(hooked, post, 'ajax')
    assert answer.status in (400, 502) and not recovered(answer)
    assert client.whoami().status == 401


def test_a_verification_stands_whatever_its_hooks_say(hooked, target, post):
    client = member(hooked)
    target.says('/verification/then', 501)
    flow = ask(client, 'verification', client.email)
    assert give(client, 'verification', flow, post.wait(client.email, count=2).code).status == 502
    ctx = target.to('/verification/first')[0].json
    assert ctx['identity']['verifiable_addresses'][0]['verified'] is True and ctx['flow']['state'] == 'passed_challenge'
    assert client.session()['identity']['verifiable_addresses'][0]['verified'] is True


# -- bodies and headers ------------------------------------------------------------------
def test_bodies_headers_and_proofs_are_as_the_settings_say(serve, target):
    server = serve(lists(login__after__password=[
        hook(target, '/key', method='PUT', auth={'type': 'api_key', 'config': {'name': 'X-Key', 'value': 'k 1', 'in': 'header'}}),
        hook(target, '/cookie', auth={'type': 'api_key', 'config': {'name': 'key', 'value': 'c-1', 'in': 'cookie'}}, emit_analytics_event=False),
        hook(target, '/basic', body=EMPTY, auth={'type': 'basic_auth', 'config': {'user': 'u', 'password': 'p:w'}}),
        hook(target, '/form', headers={'Content-Type': 'application/x-www-form-urlencoded', 'X-Fixed': 'always'},
             body=inline("function(ctx) {a: 'b c&d=é', n: 7, t: true, x: null}")),
        hook(target, '/cancelled', body=inline("function(ctx) error 'cancel'"))]))
    client = member(server)
    server.ajax().login(client.email).must(200)
    key, cookie, basic, form = target.calls
    assert (key.method, key.headers['X-Key']) == ('PUT', 'k 1') and cookie.headers['Cookie'] == 'key=c-1'
    assert 'Ory-Webhook-Trigger-ID' in key.headers and 'Ory-Webhook-Trigger-ID' not in cookie.headers
    assert basic.headers['Authorization'] == 'Basic dTpwOnc=' and basic.text == '{}'
    assert form.headers['X-Fixed'] == 'always' and form.text == 'a=b%20c%26d%3D%C3%A9&n=7&t=true'


@pytest.mark.parametrize('program, headers', [
    ("function(ctx) error 'no'", {}), ("function(ctx) ctx.nothing.at.all", {}),
    ("function(ctx) {a: {b: 1}}", {'Content-Type': 'application/x-www-form-urlencoded'}),
    ("function(ctx) error 'cancel'", {'Content-Type': 'application/x-www-form-urlencoded'}),
])
def test_a_program_that_fails_is_the_owners_fault(serve_sqlite, target, program, headers):
    server = serve_sqlite(lists(login__before=[hook(target, '/never', body=inline(program), headers=headers)]))
    server.expect_log('KR0850')
    assert server.ajax().init('login').status == 500 and not target.calls
    assert 'KR0850' in server.log()


# -- which list counts ---------------------------------------------------------------------
def test_the_general_list_counts_where_a_method_has_none_and_what_may_stop_runs(serve, target):
    server = serve(lists(settings__after=[parsing(target, '/general')], settings__after__password=[parsing(target, '/own')]))
    client = member(server)
    target.says('/general', 400, no('#/traits/name', 'No.'))
    assert change(client, method='profile', traits={'email': client.email, 'name': 'Ada'}).status == 400
    change(client, method='password', password='another-Horse-battery-9')
    assert target.paths() == ['/general', '/own']


AT = 'selfservice.flows.login.after.hooks'
URL = 'https://h.example.org/'


def entry(**config):
    return [{'hook': 'web_hook', 'config': {'url': URL, 'method': 'POST', 'body': ALL, **config}}]


@pytest.mark.parametrize('hooks, words', [
    (entry(response={'ignore': True, 'parse': True}), ['response.ignore', 'parse']),
    (entry(response={'ignore': True}, can_interrupt=True), ['response.ignore', 'can_interrupt']),
    (entry(headers={'Content-Type': 'text/plain'}), ['headers', 'text/plain', 'application/json']),
    (entry(body=None), ['body']),
    (entry(url=None), ['url']),
    (entry(method=None), ['method']),
    (entry(url='ftp://h/'), ['url']),
    (entry(body=inline('function(ctx')), ['body', 'Jsonnet']),
    (entry(auth={'config': {'name': 'x', 'value': 'y'}}), ['auth.type', 'api_key']),
    (entry(auth={'type': 'basic_auth', 'config': {'user': 'x'}}), ['auth.config.password']),
    (entry(headers={'X': 'a\nb'}), ['headers']),
])
def test_what_cannot_work_is_refused_at_start(hooks, words):
    log = refusal(with_setting(AT, hooks))
    assert AT + '[0]' in log
    for word in words:
        assert word in log


def test_a_hook_that_may_stop_does_not_stand_where_it_would_not_be_asked():
    log = refusal(with_setting('selfservice.flows.registration.after.hooks', entry(response={'parse': True})))
    assert 'registration.after.hooks[0]' in log and 'selfservice.flows.registration.after.password.hooks' in log


# -- targets that hang ----------------------------------------------------------------------
def test_a_target_that_hangs_takes_its_share_of_the_workers_and_is_given_up_in_time(serve_sqlite, target):
    server = serve_sqlite(merge(lists(login__after__password=[parsing(target, '/hangs')]),
                                {'mod_kratos': {'web_hooks': {'try_timeout': '3s', 'max_calls': 2}}}))
    server.expect_log('KR0851|KR0857|KR0201')
    client = member(server)
    target.says('/hangs', 200, wait=6)
    clients = [server.ajax() for _ in range(5)]
    flows = [c.start('login') for c in clients]
    began = time.monotonic()
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(lambda c=c, f=f: (c.submit('login', f, {'method': 'password', 'identifier': client.email, 'password': PASSWORD}),
                                                 time.monotonic() - began)) for c, f in zip(clients, flows)]
        wait_for(lambda: len(target.to('/hangs')) == 2)
        client.session()                                        # nobody else waits
        assert time.monotonic() - began < 2
    answers = sorted((answer.status, took) for answer, took in (w.result() for w in waiting))
    assert [status for status, _ in answers] == [503, 503, 503, 504, 504]
    assert max(took for status, took in answers if status == 503) < 2 and 3 <= answers[-1][1] < 5
    assert len(target.to('/hangs')) == 2


@pytest.mark.parametrize('setting, words', [({'try_timeout': '0s'}, 'try_timeout'), ({'timeout': '5s'}, 'timeout')])
def test_times_that_fit_no_call_are_refused(setting, words):
    assert f'mod_kratos.web_hooks.{words}' in refusal(with_setting('mod_kratos.web_hooks', setting))


# -- private networks -----------------------------------------------------------------------
GUARD = {'clients': {'http': {'disallow_private_ip_ranges': True}}}


@pytest.mark.parametrize('host', ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433', '0x7f.1'])
def test_no_call_reaches_a_private_network_by_whatever_name(serve_sqlite, target, host):
    inner = hook(target, '/inner', url=f'http://{host}:{target.port}/inner')
    server = serve_sqlite(merge(lists(login__before=[inner]), GUARD), env={'http_proxy': target.url})
    server.expect_log('KR0201|KR0851')
    began = time.monotonic()
    assert server.ajax().init('login').status == 502 and time.monotonic() - began < 1     # another try comes to the same
    assert not target.calls and 'clients.http.disallow_private_ip_ranges' in server.log()


def test_exceptions_are_called_and_the_courier_is_kept_as_well(serve_sqlite, target):
    server = serve_sqlite(merge(lists(login__before=[hook(target, '/named?key=1'), hook(target, '/below/it')],
                                      registration__before=[hook(target, '/other')]),
                                merge(GUARD, {'clients': {'http': {'private_ip_exception_urls': [target.url + '/named', target.url + '/below/**']}},
                                              'courier': {'delivery_strategy': 'http', 'http': {'request_config': {'url': target.url + '/mail'}}}})))
    server.expect_log('KR0201|KR0851|KR0505')
    server.ajax().init('login').must(200)
    assert target.paths() == ['/named?key=1', '/below/it']
    assert server.ajax().init('registration').status == 502


@pytest.mark.parametrize('url', ['http://h/*', 'ftp://h/', 'h', 'http://h/**/x', 'http://h/?a=b'])
def test_an_exception_that_covers_nothing_is_refused(url):
    tree = with_setting('clients.http', {'disallow_private_ip_ranges': True, 'private_ip_exception_urls': [url]})
    assert 'private_ip_exception_urls' in refusal(tree)
