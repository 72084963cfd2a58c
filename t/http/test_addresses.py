# SPDX-License-Identifier: Apache-2.0
"""Addresses: which are taken, when they are verified, where people go from there, and who hears of it."""

import pytest

from lib.account import account, ask, can_sign_in, change, give, is_verified, member, other_than, refresh
from lib.clients import PASSWORD, messages, new_email
from lib.mailbox import RECOVERY, VERIFICATION
from lib.settings import UI, merge, nested

pytestmark = pytest.mark.san


@pytest.fixture(scope='module')
def server(request, database, post):
    """Who registers is led to the verification; mail tells unknown addresses that nobody has them."""
    from conftest import end, start
    hooks = [{'hook': 'session'}, {'hook': 'show_verification_ui'}]
    server = start(request, database, merge(merge(merge(
        account(uri=post.uri), nested('selfservice.flows.registration.after.password.hooks', hooks)),
        nested('selfservice.flows.recovery.notify_unknown_recipients', True)),
        nested('selfservice.flows.verification.notify_unknown_recipients', True)))
    yield server
    end(server)


# -- what is an address? -----------------------------------------------------------------

LONG = 'a' * 64 + '@' + '.'.join(['b' * 60] * 5) + '.example.org'     # 381 characters
NO_ADDRESS = ['Ana <{}>', '"Ana" <{}>', '"{}"', "'{}'", '<{}>', '{}, other@example.net', '{}; other@example.net', 'mailto:{}',
              '{}\u0000', '{} (Ana)', '"a b"@example.org', '"a\\"b"@example.org', 'ana@example.org@{}', 'ana@[127.0.0.1]',
              'j\u00f6rg@example.org', 'ana@exa\u00admple.org', 'ana@\uff45xample.org', '\u0430na@example.org', 'ana@example.org\u202e', 'ana@', '@example.org', 'ana', LONG,
              'a' * 100000 + '@example.org', '..@example.org', 'ana@example..org', 'ana@-example.org']


@pytest.mark.parametrize('form', NO_ADDRESS, ids=lambda f: ascii(f)[:24])
def test_what_is_no_plain_address_is_refused_in_words_and_nothing_changes(server, post, form):
    client = member(server, name='Ana')
    post.wait(client.email, VERIFICATION)
    bad, before = form.format(new_email()), len(post.mails)
    answer = server.native().register(bad)
    assert answer.status in (400, 413) and (answer.json.get('error') or messages(answer))
    answer = change(client, method='profile', traits={'email': bad, 'name': 'Ana'})
    assert answer.status in (400, 413) and (answer.json.get('error') or messages(answer))
    assert client.session()['identity']['traits']['email'] == client.email
    recovery = ask(server.native(), 'recovery', bad)
    assert recovery.status in (200, 400, 413)
    if recovery.status != 200:
        assert recovery.json.get('error') or 4000040 in messages(recovery) or 4000001 in messages(recovery)
    assert ask(server.native(), 'verification', bad).status in (200, 400, 413)
    assert all(to.isascii() and ' ' not in to and '<' not in to for mail in post.mails[before:] for to in mail.to)


def test_an_address_is_the_same_in_every_spelling(server, post):
    client = member(server)
    spelled = ' ' + client.email.upper().replace('ANA', '\uff21\uff2e\uff21') + '\u200b '
    flow = ask(server.native(), 'recovery', spelled).must(200)
    mail = post.wait(client.email, RECOVERY)
    assert mail.to == [client.email] and flow.json['state'] == 'sent_email'


# -- domains in other letters than ASCII: people type what they read, browsers send either ------------

LETTERS, ASCII = 'b\u00fccher.example', 'xn--bcher-kva.example'


def both(letters_first):
    name = new_email().split('@')[0]
    spelled = [f'{name}@{LETTERS}', f'{name}@{ASCII}']
    return spelled if letters_first else spelled[::-1]


@pytest.mark.parametrize('letters_first', [True, False], ids=['letters', 'ascii'])
def test_both_spellings_of_a_domain_are_one_account(server, post, kind, letters_first):
    email, other = both(letters_first)
    name = email.split('@')[0]
    client = server.native()
    client.register(email).must(200)
    assert post.wait(f'{name}@{ASCII}', VERIFICATION).to == [f'{name}@{ASCII}']
    assert client.session()['identity']['traits']['email'] == email, 'kept as it was typed'
    for spelled in (email, other, other.upper()):
        person = server.client(kind)
        answer = person.login(spelled)
        assert answer.status == (303 if kind == 'browser' else 200), spelled
        assert person.session()['identity']['id'] == client.session()['identity']['id']
        assert 4000007 in messages(server.native().register(spelled).must(400)), spelled
    flow = ask(server.native(), 'recovery', other).must(200)
    assert other in str(flow.json['ui']), 'shown as it was typed'
    assert post.wait(f'{name}@{ASCII}', RECOVERY).to == [f'{name}@{ASCII}']


def test_another_spelling_of_an_address_keeps_it_verified(server, post):
    email, other = both(True)
    client = server.ajax()
    client.register(email).must(200)
    flow = ask(client, 'verification', other).must(200)
    give(client, 'verification', flow, post.wait(email.replace(LETTERS, ASCII), VERIFICATION, 2).code).must(200)
    assert is_verified(client)
    change(client, method='profile', traits={'email': other}).must(200)
    assert client.session()['identity']['traits']['email'] == other and is_verified(client)


@pytest.mark.parametrize('letters_first', [True, False], ids=['letters', 'ascii'])
def test_codes_find_an_account_by_both_spellings(serve, post, letters_first):
    server = serve(merge(account(uri=post.uri, code={'identifier': True, 'via': 'email'}),
                         nested('selfservice.methods.code.passwordless_enabled', True)))
    email, other = both(letters_first)
    to = other if letters_first else email
    client = server.ajax()
    flow = client.start('registration')
    flow = client.submit('registration', flow, {'method': 'code', 'traits': {'email': email}}).must(400)
    code = post.wait(to, 'Your code').code
    made = client.submit('registration', flow, {'method': 'code', 'code': code, 'traits': {'email': email}}).must(200).json['identity']
    for number, spelled in enumerate((email, other), 1):
        person = server.ajax()
        flow = person.start('login')
        flow = person.submit('login', flow, {'method': 'code', 'identifier': spelled}).must(400)
        assert spelled in str(flow.json['ui']), 'shown as it was typed'
        code = post.wait(to, 'Your code to sign in', number).code
        person.submit('login', flow, {'method': 'code', 'identifier': other, 'code': code}).must(200)
        assert person.session()['identity']['id'] == made['id'] and made['traits']['email'] == email


# -- verification --------------------------------------------------------------------------

def test_who_registers_is_led_to_the_verification_and_on_from_there(server, post, kind):
    client = server.client(kind)
    email, on = new_email(), 'https://app.example.org/welcome/in'
    begun = client.start('registration', {'after_verification_return_to': on, 'return_to': UI + '/else'})
    answer = client.submit('registration', begun, {'method': 'password', 'password': PASSWORD, 'traits': {'email': email}})
    if kind == 'browser':
        assert answer.status == 303 and answer.location.startswith(UI + '/verification?flow=')
        flow_id = answer.flow_id
    else:
        show = next(c for c in answer.must(200).json['continue_with'] if c['action'] == 'show_verification_ui')
        assert show['flow']['verifiable_address'] == email
        flow_id = show['flow']['id']
    flow = client.fetch('verification', flow_id).must(200)
    done = client.step('verification', flow, {'method': 'code', 'code': post.wait(email, VERIFICATION).code}).must(200)
    assert done.json['state'] == 'passed_challenge'
    assert next(n['attributes']['href'] for n in done.json['ui']['nodes'] if n['attributes'].get('id') == 'continue') == on


@pytest.mark.parametrize('evil', ['https://evil.example.net/', '//evil.example.net', 'javascript:alert(1)',
                                  'https://app.example.org.evil.example.net/welcome', '\\\\evil.example.net',
                                  'https://app.example.org/welcome/../../x', 'https://u@app.example.org/welcome'])
def test_after_a_verification_nobody_is_led_to_a_strange_place(server, post, evil):
    client, email = server.ajax(), new_email()
    begun = client.start('registration', {'after_verification_return_to': evil})
    client.submit('registration', begun, {'method': 'password', 'password': PASSWORD, 'traits': {'email': email}}).must(200)
    mail = post.wait(email, VERIFICATION)
    visited = client.get(mail.link).must(303)
    flow = client.fetch('verification', visited.flow_id).must(200)
    done = client.step('verification', flow, {'method': 'code', 'code': mail.code}).must(200)
    assert done.json['ui']['action'] == UI + '/'
    assert client.get('/self-service/verification/browser', {'return_to': evil}, accept='application/json').status == 400


def test_who_is_signed_in_verifies_and_comes_back(server, post):
    """The way that a page leads which only people with a verified address may see."""
    client, page = member(server, 'browser'), 'https://app.example.org/welcome/members?a=b&c=d'
    begun = client.get('/self-service/verification/browser', {'return_to': page}).must(303)
    assert begun.location.startswith(UI + '/verification?flow=')
    flow = client.fetch('verification', begun.flow_id).must(200)
    assert flow.json['return_to'] == page
    flow = client.step('verification', flow, {'method': 'code', 'email': client.email}).must(200)
    done = client.step('verification', flow, {'method': 'code', 'code': post.wait(client.email, VERIFICATION, 2).code}).must(200)
    assert done.json['ui']['action'] == page and is_verified(client)
    assert client.whoami().status == 200


def test_only_the_newest_code_verifies(server, post, kind):
    client = member(server, kind)
    flow = ask(client, 'verification', client.email).must(200)
    first = post.wait(client.email, VERIFICATION, 2).code
    flow = client.step('verification', flow, {'method': 'code', 'email': client.email}).must(200)
    second = post.wait(client.email, VERIFICATION, 3).code
    if first != second:
        client.step('verification', flow, {'method': 'code', 'code': first})
        assert not is_verified(client)
    client.step('verification', flow, {'method': 'code', 'code': second}).must(200)
    assert is_verified(client)


def test_after_five_wrong_codes_an_address_asks_for_a_new_flow(server, post):
    client = member(server)
    flow = ask(client, 'verification', client.email).must(200)
    code = post.wait(client.email, VERIFICATION, 2).code
    for _ in range(5):
        assert 4070006 in messages(give(client, 'verification', flow, other_than(code)).must(200))
    client.submit('verification', flow, {'method': 'code', 'email': client.email}).must(200)
    code = post.wait(client.email, VERIFICATION, 3).code
    answer = give(client, 'verification', flow, code).must(410)
    assert answer.json['error']['id'] == 'self_service_flow_replaced' and not is_verified(client)
    fresh = client.fetch('verification', answer.json['use_flow_id']).must(200)
    assert fresh.json['state'] == 'choose_method'


@pytest.mark.parametrize('kind_of_flow', ['recovery', 'verification'])
def test_an_address_that_nobody_has_is_told_so_by_mail_where_the_site_says_so(server, post, kind_of_flow):
    stranger = new_email('stranger')
    ask(server.native(), kind_of_flow, stranger).must(200)
    mail = post.wait(stranger)
    assert mail.to == [stranger] and 'code=' not in mail.text and 'flow=' not in mail.text


# -- a change of address --------------------------------------------------------------------

def test_a_changed_address_is_verified_anew_and_also_when_it_comes_back(server, post):
    client, new = member(server), new_email('anna')
    first = client.email
    flow = ask(client, 'verification', first).must(200)
    give(client, 'verification', flow, post.wait(first, VERIFICATION, 2).code).must(200)
    assert is_verified(client)
    changed = change(client, method='profile', traits={'email': new}).must(200)
    assert changed.json['continue_with'][-1]['action'] == 'redirect_browser_to'
    assert not is_verified(client) and post.wait(new, VERIFICATION).to == [new]
    change(client, method='profile', traits={'email': first}).must(200)
    assert not is_verified(client)
    post.wait(first, VERIFICATION, 3)
    # the mail to the address between proves nothing any more
    reader = server.ajax()
    mail = post.to(new, VERIFICATION)[0]
    visited = reader.get(mail.link).must(303)
    reader.submit('verification', visited.flow_id, {'method': 'code', 'code': mail.code}, csrf=False)
    assert not is_verified(client)


def test_a_change_of_address_waits_too_and_mail_goes_out_when_it_is_made(serve, post):
    strict = nested('selfservice.flows.settings.privileged_session_max_age', '1m')
    server = serve(merge(account(uri=post.uri), strict), clock=True)
    client, new, other = member(server, 'browser'), new_email('anna'), server.native()
    other.login(client.email).must(200)
    server.clock.forward(61)
    flow = client.start('settings')
    answer = client.submit('settings', flow, {'method': 'profile', 'traits.email': new, 'revoke_other_sessions': 'on'}).must(303)
    assert 'refresh=true' in answer.location and client.session()['identity']['traits']['email'] == client.email
    assert not post.to(new) and other.whoami().status == 200
    done = client.get(refresh(client, answer).location).must(303)
    assert 1050001 in messages(client.fetch('settings', done.flow_id).must(200))
    assert client.session()['identity']['traits']['email'] == new
    post.wait(new, VERIFICATION)
    assert other.whoami().status == 401 and can_sign_in(server, new, PASSWORD)


# -- who may no longer be in -----------------------------------------------------------------

@pytest.mark.parametrize('tick', [True, 'true', 'on', '1'])
def test_the_persons_tick_signs_them_out_everywhere_else(server, kind, tick):
    client, other = member(server, kind), server.native()
    other.login(client.email).must(200)
    change(client, method='password', password='another-Horse-battery-9', revoke_other_sessions=tick)
    assert client.whoami().status == 200 and other.whoami().status == 401


@pytest.mark.parametrize('tick', [False, '', 'false', 'off', None, [], {}, 0])
def test_without_the_tick_they_stay_signed_in(server, tick):
    client, other = member(server), server.native()
    other.login(client.email).must(200)
    change(client, method='password', password='another-Horse-battery-9', revoke_other_sessions=tick).must(200)
    assert client.whoami().status == 200 and other.whoami().status == 200
