# SPDX-License-Identifier: Apache-2.0
"""Settings, verification and recovery: what changes, what must be fresh for it, and what mail brings, by a real SMTP server."""
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from lib.account import account, ask, can_sign_in, change, give, is_verified, member, other_than, recovered, refresh
from lib.clients import PASSWORD, error_id, messages, new_email
from lib.mailbox import RECOVERY, VERIFICATION, Mailbox
from lib.serving import wait_for
from lib.settings import UI, merge, nested
from lib.sink import linger

NEW = 'another-Horse-battery-9'
THIRD = 'one-more-Horse-battery-9'
pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    server = start(request, database, account(uri=post.uri))
    yield server
    end(server)


# -- settings ------------------------------------------------------------------------

def test_a_profile_is_changed(server, kind):
    client = member(server, kind, name='Ana')
    after = change(client, method='profile', traits={'email': client.email, 'name': 'Ana Two'}).must(200)
    assert 1050001 in messages(after) and after.json['state'] == 'success'
    assert client.session()['identity']['traits'] == {'email': client.email, 'name': 'Ana Two'}


def test_a_profile_that_the_schema_refuses_is_not_kept(server, kind):
    client = member(server, kind, name='Ana')
    after = change(client, method='profile', traits={'email': client.email, 'name': 'x' * 101})
    assert after.status in (200, 400) and any(4000000 < m < 4010000 for m in messages(after))
    assert client.session()['identity']['traits']['name'] == 'Ana'


def test_after_a_change_of_password_the_old_one_is_refused(server, kind):
    client = member(server, kind)
    assert 1050001 in messages(change(client, method='password', password=NEW).must(200))
    assert client.whoami().status == 200
    assert not can_sign_in(server, client.email, PASSWORD)
    assert can_sign_in(server, client.email, NEW)


@pytest.mark.parametrize('password', ['', 'short', 'email'])
def test_a_weak_password_is_refused_and_the_old_one_stays(server, password):
    client = member(server)
    change(client, method='password', password=client.email if password == 'email' else password).must(400)
    assert can_sign_in(server, client.email, PASSWORD)


def test_who_changes_the_address_signs_in_by_the_new_one(server):
    client, new = member(server), new_email('anna')
    change(client, method='profile', traits={'email': new}).must(200)
    assert can_sign_in(server, new, PASSWORD) and not can_sign_in(server, client.email, PASSWORD)
    address, = client.session()['identity']['verifiable_addresses']
    assert address['value'] == new and not address['verified']


def test_an_address_that_somebody_has_is_refused_and_nothing_changes(server):
    client, other = member(server), member(server)
    after = change(client, method='profile', traits={'email': other.email.upper()}).must(400)
    assert 4000007 in messages(after)
    assert client.session()['identity']['traits']['email'] == client.email
    assert can_sign_in(server, client.email, PASSWORD) and can_sign_in(server, other.email, PASSWORD)


def test_the_settings_of_somebody_else_are_neither_shown_nor_changed(server, kind):
    client, other = member(server, kind, name='Ana'), member(server, kind)
    flow = client.start('settings')
    seen = other.fetch('settings', flow.flow_id)
    assert seen.status == 403 and error_id(seen) == 'security_identity_mismatch'
    assert client.email.encode() not in seen.body
    own = other.start('settings')
    answer = other.submit('settings', flow.flow_id, {'method': 'password', 'password': NEW, 'csrf_token': own.csrf})
    assert answer.status in (303, 403) and f'{UI}/settings' not in (answer.location or '')
    assert can_sign_in(server, client.email, PASSWORD)


def test_settings_need_a_session(server, kind):
    client = member(server, kind)
    flow = client.start('settings')
    stranger = server.client(kind)
    assert stranger.fetch('settings', flow.flow_id).status == 401
    answer = stranger.submit('settings', flow.flow_id, {'method': 'password', 'password': NEW})
    assert answer.status == (302 if kind == 'browser' else 401)
    assert can_sign_in(server, client.email, PASSWORD)


@pytest.mark.parametrize('token', [False, 'A' * 43, ''])
@pytest.mark.parametrize('kind', ['browser', 'ajax'])
def test_settings_without_the_right_token_are_refused(server, kind, token):
    client = member(server, kind)
    answer = client.submit('settings', client.start('settings'), {'method': 'password', 'password': NEW}, csrf=token)
    if kind == 'ajax':
        assert answer.status == 403 and error_id(answer) == 'security_csrf_violation'
    else:
        assert answer.status == 303 and answer.location.startswith(UI + '/error')
    assert can_sign_in(server, client.email, PASSWORD)


# -- a change that asks for a fresh sign-in --------------------------------------------

@pytest.fixture
def strict(serve):
    """Credentials change within a minute after the sign-in only."""
    server = serve(merge(account(), nested('selfservice.flows.settings.privileged_session_max_age', '1m')), clock=True)
    server.grow_old = lambda: server.clock.forward(61)
    return server


def kept(server):
    return b''.join(f.read_bytes() for f in sorted(server.dir.glob('kratos.sqlite*')))


def test_a_change_waits_for_a_fresh_sign_in_and_is_carried_out_once(strict):
    client, second = member(strict, 'browser'), strict.browser()
    strict.grow_old()
    flow = client.start('settings')
    answer = client.submit('settings', flow, {'method': 'password', 'password': NEW}).must(303)
    assert '/self-service/login/browser?' in answer.location and 'refresh=true' in answer.location
    if strict.sqlite.exists():
        data = kept(strict)
        assert client.email.encode() in data, 'the right file was looked at'
        assert NEW.encode() not in data and base64.b64encode(NEW.encode()) not in data
    assert can_sign_in(strict, client.email, PASSWORD)
    # the same person in another browser: what waits is not theirs
    second.login(client.email).must(303)
    second.get('/self-service/settings', {'flow': flow.flow_id})
    assert can_sign_in(strict, client.email, PASSWORD)

    back = refresh(client, answer)
    assert urlsplit(back.location).path == '/self-service/settings'
    done = client.get(back.location).must(303)
    assert done.location.startswith(UI + '/settings?flow=')
    assert 1050001 in messages(client.fetch('settings', done.flow_id).must(200))
    assert can_sign_in(strict, client.email, NEW) and not can_sign_in(strict, client.email, PASSWORD)

    # again, by the back button: it is over
    client.login(client.email, NEW, refresh='true').must(303)
    assert 1050001 in messages(change(client, method='password', password=THIRD).must(200))
    client.get(back.location)
    assert can_sign_in(strict, client.email, THIRD) and not can_sign_in(strict, client.email, NEW)


def test_scripts_and_apps_are_told_to_sign_in_again(strict):
    for kind in ('ajax', 'native'):
        client = member(strict, kind, name='Ana')
        strict.grow_old()
        answer = change(client, method='password', password=NEW).must(403)
        assert error_id(answer) == 'session_refresh_required' and 'refresh=true' in answer.json['redirect_browser_to']
        # what signs nobody in is no credential
        assert change(client, method='profile', traits={'email': client.email, 'name': 'Ana Two'}).status == 200
        change(client, method='profile', traits={'email': new_email(), 'name': 'Ana Two'}).must(403)
        client.login(client.email, refresh='true').must(200)
        change(client, method='password', password=NEW).must(200)
        assert can_sign_in(strict, client.email, NEW)


# -- mail ------------------------------------------------------------------------------

def shape(flow, email):
    """A flow without what differs by chance, time and address."""
    text = json.dumps({**flow.json, **dict.fromkeys(('id', 'expires_at', 'issued_at', 'request_url'), '-')}, sort_keys=True)
    blank = {email: 'EMAIL', flow.json['id']: 'ID', flow.csrf or '-': 'TOKEN'}
    for value, name in blank.items():
        text = text.replace(value, name)
    return text


# -- verification ----------------------------------------------------------------------

def test_the_code_of_the_registration_verifies_the_address(server, post):
    client = member(server)
    mail = post.wait(client.email, VERIFICATION)
    assert mail.to == [client.email] and mail.sender == 'site@example.org'
    browser = server.browser()
    opened = browser.get(mail.link).must(303)
    assert opened.location.startswith(UI + '/verification?flow=')
    assert not is_verified(client), 'scanners of mail follow links, too'
    flow = browser.fetch('verification', opened.flow_id).must(200)
    assert flow.node('code') == mail.code
    give(browser, 'verification', flow, flow.node('code')).must(303)
    assert is_verified(client)


def test_an_address_is_verified_by_code(server, post, kind):
    client = member(server, kind)
    flow = ask(client, 'verification', client.email).must(200)
    code = post.wait(client.email, VERIFICATION, 2).code
    wrong = client.step('verification', flow, {'method': 'code', 'code': other_than(code)})
    assert 4070006 in messages(wrong) and not is_verified(client)
    right = client.step('verification', flow, {'method': 'code', 'code': code}).must(200)
    assert right.json['state'] == 'passed_challenge' and 1080002 in messages(right)
    assert is_verified(client)


@pytest.mark.parametrize('who', ['+x', '+491701234567'])
def test_an_address_of_mail_may_begin_as_a_phone_number_does(server, post, who):
    client = server.client('ajax')
    client.email = new_email(who)
    client.register(client.email).must(200)
    mail = post.wait(client.email, VERIFICATION)
    assert mail.to == [client.email] and not is_verified(client)
    flow = ask(client, 'verification', client.email).must(200)
    right = client.step('verification', flow, {'method': 'code', 'code': post.wait(client.email, VERIFICATION, 2).code}).must(200)
    assert right.json['state'] == 'passed_challenge' and 1080002 in messages(right)
    assert is_verified(client) and client.session()['identity']['verifiable_addresses'][0]['via'] == 'email'


def test_an_address_is_verified_by_link(linked, post):
    client = member(linked, 'browser')
    link = post.wait(client.email, VERIFICATION).link
    assert not is_verified(client)
    done = linked.browser().get(link).must(303)
    assert done.location.startswith(UI + '/verification?flow=')
    assert is_verified(client)


def test_a_link_with_another_token_verifies_nothing(linked, post):
    client = member(linked, 'browser')
    link = post.wait(client.email, VERIFICATION).link
    linked.browser().get(link[:-4] + ('aaaa' if link[-4:] != 'aaaa' else 'bbbb'))
    assert not is_verified(client)


# -- recovery --------------------------------------------------------------------------

def test_the_code_in_the_mail_leads_to_a_new_password(server, post):
    email = member(server).email
    client = server.browser()
    flow = ask(client, 'recovery', email).must(200)
    mail = post.wait(email, RECOVERY)
    assert mail.to == [email] and flow.json['state'] == 'sent_email'
    assert mail.code.encode() not in flow.body
    to = give(client, 'recovery', flow, mail.code).must(303)
    assert to.location.startswith(UI + '/settings?flow=')
    assert client.session()['authentication_methods'][0]['method'] == 'code_recovery'
    settings = client.fetch('settings', to.flow_id).must(200)
    assert 1060001 in messages(settings)
    client.submit('settings', settings, {'method': 'password', 'password': NEW}).must(303)
    assert can_sign_in(server, email, NEW) and not can_sign_in(server, email, PASSWORD)


def test_the_link_in_the_mail_lets_in_once(linked, post):
    email = member(linked).email
    client, second = linked.browser(), linked.browser()
    ask(client, 'recovery', email, 'link').must(200)
    link = post.wait(email, RECOVERY).link
    to = client.get(link).must(303)
    assert to.location.startswith(UI + '/settings?flow=') and client.whoami().status == 200
    again = second.get(link).must(303)
    assert again.location.startswith(UI + '/recovery?flow=') and not recovered(again)
    assert 4060004 in messages(second.fetch('recovery', again.flow_id).must(200))
    assert second.whoami().status == 401


def test_a_newer_link_voids_the_one_before(linked, post):
    email, client = member(linked).email, linked.browser()
    links = []
    for number in (1, 2):
        ask(client, 'recovery', email, 'link').must(200)
        links.append(post.wait(email, RECOVERY, number).link)
    assert [recovered(linked.browser().get(link)) for link in links] == [False, True]


def test_the_right_code_is_too_late_after_many_wrong_ones(server, post, kind):
    email, client = member(server).email, server.client(kind)
    flow = ask(client, 'recovery', email).must(200)
    code = post.wait(email, RECOVERY).code
    for _ in range(5):
        assert not recovered(give(client, 'recovery', flow, other_than(code)))
    answer = give(client, 'recovery', flow, code)
    assert answer.status in (200, 303, 400, 422) and not recovered(answer)
    assert f'{UI}/settings' not in answer.body.decode() + (answer.location or '')
    assert client.whoami().status == 401


def test_only_the_newest_code_of_a_flow_is_right(server, post):
    email, client = member(server).email, server.ajax()
    flow = ask(client, 'recovery', email).must(200)
    first = post.wait(email, RECOVERY).code
    client.submit('recovery', flow, {'method': 'code', 'email': email}).must(200)
    second = post.wait(email, RECOVERY, 2).code
    assert first == second or not recovered(give(client, 'recovery', flow, first))
    assert recovered(give(client, 'recovery', flow, second))


@pytest.mark.parametrize('kind', ['recovery', 'verification'])
@pytest.mark.parametrize('method', ['code', 'link'])
def test_nobody_learns_who_has_an_account(server, linked, post, kind, method):
    server = linked if method == 'link' else server
    known, unknown = member(server).email, new_email('nobody')
    answers = [shape(ask(server.native(), kind, email, method).must(200), email) for email in (known, unknown)]
    assert answers[0] == answers[1]
    post.wait(known, RECOVERY if kind == 'recovery' else VERIFICATION, 1 if kind == 'recovery' else 2)
    assert not post.to(unknown)


def messages_of(server, email, status='%'):
    """How many messages to that address (or all that are LIKE it) are in the queue, or were."""
    return int(server.sql('SELECT COUNT(*) FROM courier_messages '
                          f"WHERE recipient LIKE '{email}' AND status LIKE '{status}'")[0][0])


@pytest.mark.parametrize('token', [False, 'A' * 43])
def test_recovery_without_the_right_token_sends_nothing(server, post, token):
    email, client = member(server).email, server.ajax()
    before = messages_of(server, email)
    answer = client.submit('recovery', client.start('recovery'), {'method': 'code', 'email': email}, csrf=token)
    assert answer.status == 403 and error_id(answer) == 'security_csrf_violation'
    assert messages_of(server, email) == before and not post.to(email, RECOVERY)


def test_a_code_lasts_as_long_as_it_is_said(serve, post):
    server = serve(merge(account(uri=post.uri), nested('selfservice.methods.code.config.lifespan', '2m')), clock=True)
    client, stranger = member(server), server.ajax()
    verification = ask(client, 'verification', client.email).must(200)
    recovery = ask(stranger, 'recovery', client.email).must(200)
    codes = post.wait(client.email, VERIFICATION, 2).code, post.wait(client.email, RECOVERY).code
    server.clock.forward(2 * 60 + 1)
    give(client, 'verification', verification, codes[0])
    assert not is_verified(client)
    assert not recovered(give(stranger, 'recovery', recovery, codes[1]))
    assert stranger.whoami().status == 401


# -- addresses that want to be more than one ---------------------------------------------

EVIL = ['{}\r\nBcc: evil@example.net', '{}\nevil@example.net', '{}\rX-Evil: 1', '{}, evil@example.net', '<{}> evil@example.net',
        '{}\0@example.net', '"\r\nBcc: evil@example.net"{}', '{}>\r\nRCPT TO:<evil@example.net']


@pytest.mark.parametrize('evil', EVIL)
def test_an_address_is_one_address_or_refused(server, post, evil):
    client = member(server)
    email = evil.format(client.email)
    before = len(post.mails)
    assert server.native().register(email).status == 400
    assert change(client, method='profile', traits={'email': email}).status == 400
    for kind in ('recovery', 'verification'):
        assert ask(server.native(), kind, email).status < 500
    wait_for(lambda: not messages_of(server, '%', 'queued'))
    for mail in post.mails[before:]:
        assert 'evil@example.net' not in mail.to and mail.msg['Bcc'] is None and mail.msg['X-Evil'] is None


# -- the mail server -----------------------------------------------------------------------

def test_two_servers_on_one_database_send_each_mail_once(request, mariadb):
    from conftest import end, start
    post, db = Mailbox(), mariadb.fresh()
    servers = [start(request, db=db, changes=account(uri=post.uri)) for _ in range(2)]
    try:
        with ThreadPoolExecutor(4) as pool:
            emails = list(pool.map(lambda i: member(servers[i % 2], 'native').email, range(24)))
        for email in emails:
            post.wait(email, VERIFICATION, seconds=30)
        linger(2)
        assert sorted(m.to[0] for m in post.mails) == sorted(emails)
    finally:
        for server in servers:
            end(server)
        post.close()
