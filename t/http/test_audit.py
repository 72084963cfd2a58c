# SPDX-License-Identifier: Apache-2.0
"""The audit stream: what is written of a person's way, in order and once; never a secret; and that it survives what a server survives."""
import contextlib
import fcntl
import os
import signal
import subprocess

import pytest

from lib.account import ask, give, member, other_than, refresh
from lib.audit import Stream, names
from lib.backends import modules
from lib.clients import PASSWORD, WRONG, new_email
from lib.factors import FACTORS, again, at_once, enrol, enrol_codes, step_up
from lib.hydra import behind
from lib.mailbox import RECOVERY, VERIFICATION
from lib.provider import person, social
from lib.serving import ROOT, wait_for
from lib.settings import merge, nested

NEW = 'another-Horse-battery-9'
NETWORK = 30
FROM = 'X-Client-Address'


@pytest.fixture(scope='module')
def server(request, database, post, provider, hydra):
    from conftest import end, start
    settings = merge(merge(merge(FACTORS, social(provider.conf())), behind(hydra)),
                     merge({'courier': {'smtp': {'connection_uri': post.uri, 'from_address': 'site@example.org'}}},
                           merge(nested('selfservice.flows.settings.privileged_session_max_age', '1m'),
                                 nested('mod_kratos.throttle', {'identifier': 20, 'network': NETWORK, 'window': '900s'}))))
    server = start(request, database, settings, clock=True, flags=['throttle'],
                   lines={'global': modules('remoteip', 'unique_id'),
                          'extra': f'KratosAudit audit.log\nRemoteIPHeader {FROM}\nRemoteIPInternalProxy 127.0.0.1\n'})
    server.expect_log('KR1101|KR0652')
    yield server
    end(server)


@pytest.fixture(scope='module')
def stream(server):
    return Stream(server.dir / 'audit.log', server.config)


# -- what is written -------------------------------------------------------------------


def test_a_person_s_way_is_told_in_order_and_once(server, stream):
    with stream as new:
        owner = member(server, 'native')
        again(server, owner).logout()
        server.native().login(owner.email, WRONG).must(400)
    assert names(new) == ['account.registered', 'sign_in.succeeded', 'sign_in.succeeded', 'session.signed_out', 'sign_in.failed']
    made, first, second, out, failed = new
    session = owner.session()
    assert made['identity'] == first['identity'] == session['identity']['id'] and first['session'] == session['id']
    assert (second['session'], second['method'], second['aal']) == (out['session'], 'password', 'aal1') and second['flow']
    assert (failed['result'], failed['reason'], failed['identity']) == ('failure', 'wrong', made['identity'])
    assert all(line['address'] == '127.0.0.1' and line['request'] and line['realm'] == 'main' and line['node'] for line in new)
    assert [line['seq'] for line in new] == list(range(made['seq'], made['seq'] + 5)) and sorted(l['time'] for l in new) == [l['time'] for l in new]


def test_sessions_that_are_ended_say_by_whom(server, stream):
    owner = member(server, 'native')
    one, mine = again(server, owner).session()['id'], owner.session()
    with stream as new:
        owner.delete(f'/sessions/{one}')
        owner.delete(f'/sessions/{one}')
        owner.delete('/sessions').must(200)
    assert names(new) == ['session.revoked', 'session.all_revoked'], 'what had ended is not ended again'
    assert (new[0]['session'], new[0]['by_session']) == (one, mine['id'])
    assert (new[1]['identity'], new[1]['by_session']) == (mine['identity']['id'], mine['id'])


def test_changes_of_an_account_are_told_one_by_one(server, stream):
    owner = member(server, 'native')
    with stream as new:
        owner.step('settings', owner.start('settings'), {'method': 'password', 'password': NEW}).must(200)
        owner.step('settings', owner.start('settings'), {'method': 'profile', 'traits': {'email': owner.email, 'name': 'Ana'}}).must(200)
        app = enrol(server, owner)
        server.native().login(owner.email, PASSWORD).must(400)
        other = server.native()
        other.login(owner.email, NEW).must(200)
        step_up(other, app.wrong).must(400)
        step_up(other, app.next()).must(200)
        owner.step('settings', owner.start('settings'), {'method': 'totp', 'totp_unlink': 'true'}).must(200)
    assert names(new) == ['password.changed', 'account.changed', 'factor.added', 'sign_in.failed', 'sign_in.succeeded',
                          'second_factor.failed', 'second_factor.succeeded', 'factor.removed']
    assert new[2]['factor'] == new[-1]['factor'] == 'totp'
    assert new[-2]['session'] == new[4]['session'] and (new[-2]['method'], new[-2]['aal']) == ('totp', 'aal2')


def test_a_change_that_waited_is_told_when_it_is_carried_out(server, stream):
    client = member(server, 'browser')
    server.clock.forward(61)
    with stream as new:
        answer = client.submit('settings', client.start('settings'), {'method': 'password', 'password': NEW}).must(303)
    assert new == [], 'nothing has happened yet'
    with stream as new:
        client.get(refresh(client, answer).location).must(303)
    assert names(new) == ['sign_in.confirmed', 'change.resumed', 'password.changed']


def test_a_lost_password_and_an_address(server, stream, post):
    email = new_email()
    with stream as new:
        owner = server.ajax()
        owner.register(email).must(200)
    assert names(new)[0] == 'account.registered'
    client, nobody = server.ajax(), server.ajax()
    with stream as new:
        ask(nobody, 'recovery', new_email('nobody')).must(200)
        flow = ask(client, 'recovery', email).must(200)
        code = post.wait(email, RECOVERY).code
        give(client, 'recovery', flow, other_than(code))
        give(client, 'recovery', flow, code).must(200, 422)
    assert names(new) == ['recovery.begun', 'recovery.begun', 'recovery.failed', 'address.verified', 'recovery.succeeded']
    assert 'identity' not in new[0] and new[1]['identity'] == new[4]['identity'] and new[4]['session']
    assert new[0]['identifier_hash'] != new[1]['identifier_hash']
    post.wait(email, VERIFICATION)
    with stream as new:
        flow = ask(client, 'verification', email).must(200)
        code = post.wait(email, VERIFICATION, 2).code
        give(client, 'verification', flow, other_than(code))
        give(client, 'verification', flow, code).must(200)
    assert names(new) == ['address.verification_failed', 'address.verified']


@pytest.mark.rules
def test_accounts_elsewhere(server, stream, provider):
    owner, who = member(server, 'browser'), person('ada')
    with stream as new:
        provider.walk(owner, 'settings', fields={'link': 'acme'}, **who).must(303)
    assert names(new) == ['account.linked'] and new[0]['site'] == 'acme' and 'ada' not in str(new)
    with stream as new:
        provider.walk(server.browser(), **who).must(303)
        owner.submit('settings', owner.start('settings'), {'unlink': 'acme'}).must(303)
    assert names(new) == ['sign_in.succeeded', 'account.unlinked'] and (new[0]['method'], new[0]['site']) == ('oidc', 'acme')


@pytest.mark.rules
def test_what_other_servers_are_told(server, stream, hydra):
    owner = member(server, 'native')
    fields = {'method': 'password', 'identifier': owner.email, 'password': PASSWORD}
    with stream as new:
        for answers in ({}, {'PUT': (500, {})}):
            hydra.bent = answers
            client = server.browser()
            client.submit('login', client.start('login', hydra.ask()).must(200), fields)
        hydra.bent = {}
        server.native().get('/sessions/token-exchange', {'init_code': 'x', 'return_to_code': 'y'}).must(404)
    assert names(new) == ['sign_in.succeeded', 'oauth2.accepted', 'sign_in.succeeded', 'oauth2.refused', 'token.exchange_failed']
    assert new[1]['session'] == new[0]['session'] and {new[1]['site'], new[3]['site']} == {'app'} and new[3]['reason'] == 'unavailable'


def test_what_is_made_anew_and_what_is_taken(server, stream):
    owner = member(server, 'native')
    with stream as new:
        enrol_codes(owner)
        enrol_codes(owner)
        server.native().register(owner.email).must(400)
    assert names(new) == ['factor.added', 'factor.replaced', 'account.registration_failed']
    assert (new[1]['factor'], new[2]['reason']) == ('lookup_secret', 'taken')


def test_what_those_who_run_the_site_do_goes_on_in_the_same_stream(server, stream):
    owner = member(server, 'native')
    who = owner.session()['identity']['id']
    with stream as new:
        for command in (['disable', owner.email, '--end-sessions'], ['enable', who]):
            server.ctl('identity', *command, '--audit', stream.file)
        server.native().login(owner.email).must(200)
        server.ctl('identity', 'disable', who, '--audit', stream.file)
        server.native().login(owner.email).must(400)
        server.ctl('identity', 'delete', who, '--yes', '--audit', stream.file)
        server.ctl('identity', 'delete', who, '--yes', '--audit', stream.file, status=3)
    assert names(new) == ['account.locked', 'session.all_revoked', 'account.unlocked', 'sign_in.succeeded', 'account.locked',
                          'sign_in.failed', 'account.deleted']
    assert {line.get('by') for line in new} == {'kratosctl', None} and new[0]['uid'] == os.getuid()
    assert new[5]['reason'] == 'inactive'
    stream.holds()


@pytest.mark.rules
def test_who_fails_too_often_is_told_once(server, stream):
    with stream as new:
        for _ in range(NETWORK + 3):
            client = server.native()
            client.headers[FROM] = '2001:db8::17'
            client.login(new_email('nobody'), WRONG)
    assert names(new) == ['sign_in.failed'] * NETWORK + ['throttle.reached']
    assert new[-1]['reason'] == 'network' and {line['address'] for line in new} == {'2001:db8::17'}


def test_a_line_holds_no_secret_and_nothing_that_was_typed(server, stream):
    owner = member(server, 'native')
    server.native().login(owner.email, WRONG).must(400)
    server.native().login(f'"{WRONG}\n', 'x').must(400)         # into the wrong field
    text = stream.text()
    for secret in (PASSWORD, WRONG, NEW, owner.token, owner.email, '@example.org', 'ory_st_'):
        assert secret not in text


# -- what it survives --------------------------------------------------------------------


@pytest.mark.rules
def test_killed_children_leave_a_chain_that_holds(server, stream):
    server.expect_log('exit signal Killed')
    owner = member(server, 'native')
    for _ in range(3):
        children = server.httpd()[1:]

        def try_it():
            with contextlib.suppress(OSError):
                server.native().login(owner.email, WRONG)
        at_once([try_it] * 3 + [lambda: os.kill(children[0], signal.SIGKILL)])
        wait_for(server.ready)
    with open(stream.file, 'a') as file:
        file.write('{"time":"2026-01-02T03:04:05.000000Z","node":"half a li')         # as one leaves it
    with stream as new:
        again(server, owner)
    assert names(new) == ['stream.interrupted', 'sign_in.succeeded'] and new[0]['cut'] == 55
    assert 'cut off' in stream.holds()


@pytest.mark.rules
def test_it_goes_on_in_the_next_file_after_a_rotation(server, stream):
    former, owner = stream.file.with_suffix('.log.1'), member(server, 'native')
    stream.file.rename(former)
    again(server, owner)                    # nobody knows of the rename yet
    server.proc.send_signal(signal.SIGUSR1)
    wait_for(lambda: 'server.started' in stream.text())
    again(server, owner)
    assert names(stream.lines())[0] == 'server.started' and stream.lines()[0]['reason'] == 'restart'
    stream.holds(former, stream.file)
    assert stream.verify(former).returncode == 0 and 'cannot be told' in stream.verify(former).stderr
    assert 'not in these files' in stream.verify(stream.file).stderr


@pytest.mark.rules
def test_what_cannot_be_written_keeps_nobody_out(server, stream):
    owner = member(server, 'native')
    with open(f'{stream.file}.chain', 'r+') as chain, stream as new:
        fcntl.lockf(chain, fcntl.LOCK_EX)
        again(server, owner).session()
        fcntl.lockf(chain, fcntl.LOCK_UN)
        again(server, owner).session()
    assert names(new) == ['stream.interrupted', 'sign_in.succeeded'] and new[0]['lost'] == 1
    assert 'KR1101' in server.log()
    stream.holds()


# -- who reads it ----------------------------------------------------------------------------


@pytest.mark.rules
def test_fail2ban_finds_who_fails(server, stream, tmp_path):
    fails = ['203.0.113.9', '2001:db8::9', '203.0.113.9']
    with stream as new:
        owner = member(server, 'native')
        for address in fails:
            client = server.native()
            client.headers[FROM] = address
            client.login(owner.email, WRONG).must(400)
        again(server, owner)
    part = tmp_path / 'audit.log'
    part.write_text(''.join(f'{line}\n' for line in stream.text().splitlines()[-len(new):]))
    run = subprocess.run(['fail2ban-regex', '--print-all-matched', '--out', '<ip>', part, ROOT / 'conf/fail2ban/filter.d/kratos.conf'],
                         capture_output=True, text=True, check=True)
    assert run.stdout.split() == fails, run.stdout + run.stderr
