# SPDX-License-Identifier: Apache-2.0
"""Web hooks that nobody waits for: put into the outbox with the change that they tell of, and called however often it takes."""
import os
import signal
import time

import pytest

from lib.account import account, ask, change, give, member
from lib.clients import PASSWORD, new_email
from lib.hooks import Target, hook, ignoring, inline, lists
from lib.mailbox import RECOVERY, VERIFICATION
from lib.serving import free_port, wait_for
from lib.settings import merge

pytestmark = pytest.mark.usefixtures('forget')


@pytest.fixture(scope='module')
def told(request, database, post, target):
    """A server that tells of everything."""
    from conftest import end, start
    hooks = lists(**{f'{kind}__{when}': [ignoring(target, f'/{kind}/{when.split("__")[0]}')]
                     for kind in ('login', 'registration', 'settings', 'recovery', 'verification') for when in ('before', 'after')})
    hooks = merge(hooks, lists(registration__after__password=[ignoring(target, '/registration/after'), {'hook': 'session'}]))
    server = start(request, database, merge(account('code', uri=post.uri), hooks))
    server.expect_log('KR0503|KR0856|KR0851|KR0201|KR0505')
    yield server
    end(server)


def messages_of(server, status=None):
    return [m for m in server.ctl.json('courier', 'list', *(['--status', status] if status else [])) if m['type'] == 'web_hook']


# -- who is told of what --------------------------------------------------------------
def test_each_flow_is_told_of_when_it_begins_and_when_it_is_done(told, target, post, kind):
    client = told.client(kind)
    client.register(email := new_email()).must(200, 303)
    change(client, method='profile', traits={'email': email, 'name': 'Ada'})
    flow = ask(client, 'verification', email)
    give(client, 'verification', flow, post.wait(email, VERIFICATION, count=2).code)
    other = told.client(kind)
    other.login(email).must(200, 303)
    stranger = told.client(kind)
    flow = ask(stranger, 'recovery', email)
    give(stranger, 'recovery', flow, post.wait(email, RECOVERY).code)
    kinds = ['registration', 'settings', 'verification', 'login', 'recovery']
    calls = {f'/{flow}/{when}': target.wait(f'/{flow}/{when}') for flow in kinds for when in ('before', 'after')}
    assert all('identity' not in calls[f'/{flow}/before'].json for flow in kinds)
    assert {calls[f'/{flow}/after'].json['identity']['traits']['email'] for flow in kinds} == {email}
    assert calls['/login/after'].json['session']['id'] == other.session()['id']
    assert calls['/login/after'].json['session']['identity'] == calls['/login/after'].json['identity']
    assert calls['/settings/after'].json['identity']['traits']['name'] == 'Ada' and calls['/settings/after'].json['flow']['state'] == 'success'
    assert calls['/verification/after'].json['identity']['verifiable_addresses'][0]['verified'] is True
    assert len(target.wait('/settings/before', 2).json['flow']['id']) == 36        # that of the recovery


def test_what_is_not_done_is_not_told_of(told, target):
    client = member(told)
    target.wait('/registration/after')
    told.ajax().register(client.email).must(400)                    # taken
    told.ajax().login(client.email, 'wrong-Horse-battery-9').must(400)
    told.ajax().register(new_email()).must(200)
    assert len([target.wait('/registration/after', n) for n in (1, 2)]) == 2
    assert not target.to('/login/after') and len(target.to('/registration/after')) == 2


def test_who_calls_off_a_call_is_not_called(serve, target):
    server = serve(lists(login__after=[ignoring(target, '/off', body=inline("function(ctx) error 'cancel'")),
                                       ignoring(target, '/on', body=inline('function(ctx) {id: ctx.flow.id}'), method='PUT',
                                                auth={'type': 'api_key', 'config': {'name': 'X-Key', 'value': 'k', 'in': 'header'}})]))
    server.ajax().login(member(server).email).must(200)
    assert target.wait('/on').headers['X-Key'] == 'k' and target.to('/on')[0].method == 'PUT'
    wait_for(lambda: len(messages_of(server, 'sent')) == 2)
    assert len(target.to('/on')) == 1 and not target.to('/off')


def test_what_is_long_arrives_whole_and_what_is_too_long_without_its_payload(told, target):
    client = member(told)
    for size in (100_000, 300_000, 600_000):
        target.forget()
        flow = told.ajax()
        flow.submit('login', flow.start('login'), {'method': 'password', 'identifier': client.email, 'password': PASSWORD,
                                                   'transient_payload': {'x': 'y' * size}}).must(200)
        payload = target.wait('/login/after').json['flow']['transient_payload']
        assert payload == ({'x': 'y' * size} if size < 400_000 else {})
    wait_for(lambda: not messages_of(told, 'queued'))
    assert not told.sql('SELECT message_id FROM outbox_parts')


# -- targets that fail --------------------------------------------------------------------
def test_a_target_that_fails_is_asked_again_and_one_that_refuses_is_not(told, target):
    answers = iter([(500, {}), (429, {}), (200, {})])
    target.says('/login/after', lambda call: next(answers))
    target.says('/registration/after', 404)
    client = member(told)
    told.ajax().login(client.email).must(200)
    third = target.wait('/login/after', 3)
    assert {c.text for c in target.to('/login/after')} == {third.text}
    ids = [{k.lower(): v for k, v in c.headers.items()} for c in target.to('/login/after')]
    assert len({i['ory-webhook-trigger-id'] for i in ids}) == 1 and len({i['ory-webhook-request-id'] for i in ids}) == 3
    given_up = wait_for(lambda: messages_of(told, 'abandoned'))[0]
    assert given_up['recipient'] == target.url + '/registration/after' and given_up['template_type'] == 'web_hook.registration.after'
    assert given_up['last_error'] == 'it answered 404' and given_up['send_count'] == 1
    assert ids[0]['ory-webhook-trigger-id'] in {m['id'] for m in messages_of(told)}
    target.says('/registration/after', 200)
    told.ctl('courier', 'retry', given_up['id'])
    target.wait('/registration/after', 2)
    wait_for(lambda: given_up['id'] in {m['id'] for m in messages_of(told, 'sent')})


def test_a_target_that_hangs_keeps_neither_mail_nor_other_targets_waiting(serve, post, target):
    other = Target()
    server = serve(merge(account('code', uri=post.uri), lists(
        registration__after__password=[ignoring(target, '/hangs'), ignoring(other, '/works'), {'hook': 'session'}],
        login__before=[ignoring(target, '/hangs')])))
    server.expect_log('KR0851|KR0201|KR1233')
    target.says('/hangs', 200, wait=12)
    for _ in range(3):
        server.ajax().init('login').must(200)
    target.wait('/hangs')
    began = time.monotonic()
    client = member(server)
    post.wait(client.email, VERIFICATION, seconds=5)
    other.wait('/works', seconds=14)
    assert time.monotonic() - began < 14 and len(target.to('/hangs')) <= 2
    other.close()


# -- what survives ----------------------------------------------------------------------------
def test_what_was_put_in_is_sent_after_all_processes_were_killed(serve, database, stop):
    db, port = database.fresh(), free_port()
    tree = lists(registration__after__password=[{'hook': 'web_hook', 'config': {
        'url': f'http://127.0.0.1:{port}/made', 'method': 'POST', 'body': inline('function(ctx) ctx.identity.traits'),
        'response': {'ignore': True}}}, {'hook': 'session'}])
    server = serve(tree, db=db)
    server.expect_log(r'AH00052: child pid \d+ exit signal Killed|KR0201|KR0505|KR0851')
    client = member(server)                         # nobody listens there yet
    for pid in server.httpd():
        os.kill(pid, signal.SIGKILL)
    server.proc.wait(20)
    stop(server, keep=True)
    late = Target(port)
    again = serve(tree, db=db, dir=server.dir, port=server.port)
    again.expect_log('KR0201|KR0505|KR0851')
    again.sql('UPDATE courier_messages SET send_after = send_after - 61000000')     # the lease of who was killed
    assert late.wait('/made', seconds=20).json == {'email': client.email}
    wait_for(lambda: [m['status'] for m in messages_of(again)] == ['sent'])
    assert len(late.calls) == 1
    late.close()


def test_two_nodes_call_once(request, mariadb, target):
    from conftest import end, start
    db, hooks = mariadb.fresh(), lists(login__after=[ignoring(target, '/one')])
    nodes = [start(request, None, hooks, db=db) for _ in range(2)]
    client = member(nodes[0])
    for n in range(20):
        nodes[n % 2].ajax().login(client.email).must(200)
    for n in range(20):
        target.wait('/one', n + 1)
    wait_for(lambda: not messages_of(nodes[0], 'queued'))
    assert len(target.to('/one')) == 20 and len({c.json['session']['id'] for c in target.to('/one')}) == 20
    for node in nodes:
        end(node)


def test_a_hook_that_is_gone_from_the_settings_is_not_called(serve, database, stop, target):
    db, port = database.fresh(), free_port()
    server = serve(lists(login__after=[ignoring(target, '/old')]), db=db)
    client = member(server)
    target.says('/old', 500)
    server.ajax().login(client.email).must(200)
    target.wait('/old')
    stop(server, keep=True)
    before = len(target.to('/old'))
    again = serve(lists(login__after=[ignoring(target, '/new')]), db=db, dir=server.dir, port=port)
    again.expect_log('KR0503')
    assert wait_for(lambda: messages_of(again, 'abandoned'), 90)[0]['last_error'].startswith('no web hook of the settings')
    assert len(target.to('/old')) == before and not target.to('/new')


def test_a_hook_without_a_body_calls_nobody_and_configtest_says_so(serve_sqlite, target):
    bare = ignoring(target, '/bare', method='GET')
    del bare['config']['body']
    server = serve_sqlite(lists(login__after=[bare, hook(target, '/next')]))
    server.expect_log('KR1202')
    assert 'has no `body`' in server.log()
    server.ajax().login(member(server).email).must(200)
    assert len(target.to('/next')) == 1 and not target.to('/bare') and not messages_of(server)
