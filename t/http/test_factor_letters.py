# SPDX-License-Identifier: Apache-2.0
"""Who has a factor added or removed hears of it, once, at the addresses that they had before."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.account import account, ask, change, give, is_verified, member, refresh
from lib.clients import PASSWORD, new_email
from lib.factors import App, enrol, link, shown
from lib.mailbox import VERIFICATION, Mailbox
from lib.settings import inline, merge, nested

pytestmark = pytest.mark.san
CHANGED = 'How you sign in'
TOTP = merge(nested('selfservice.methods.totp.enabled', True), nested('session.whoami.required_aal', 'aal1'))
LOOSE = merge(TOTP, nested('selfservice.flows.settings.required_aal', 'aal1'))


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    server = start(request, database, merge(account(uri=post.uri), LOOSE), clock=True)
    yield server
    end(server)


def verify(client, post, email):
    """The address of somebody who just registered, or got it."""
    flow = ask(client, 'verification', email)
    give(client, 'verification', flow, post.wait(email, VERIFICATION, 2).code).must(200, 303)


def told(server, post, email):
    """How many letters about factors came to that address: whatever was queued before now is out when a later message is."""
    client, last = server.ajax(), new_email('last')
    client.register(last).must(200)
    post.wait(last, VERIFICATION)
    return len(post.to(email, CHANGED))


def test_an_app_that_is_set_up_and_removed_is_two_letters(server, post, kind):
    owner = member(server, kind)
    enrol(server, owner)
    letter = post.wait(owner.email, CHANGED)
    assert 'Added: authenticator app' in letter.text and 'UTC' in letter.text
    assert letter.link == server.url + '/self-service/settings/browser' and letter.code is None
    assert '<li>Added: authenticator app</li>' in letter.parts['text/html']
    owner.submit('settings', owner.start('settings'), {'method': 'totp', 'totp_unlink': 'true'}).must(200, 303)
    assert 'Removed: authenticator app' in post.wait(owner.email, CHANGED, 2).text
    assert told(server, post, owner.email) == 2


def test_what_did_not_happen_is_not_told(server, post):
    owner = member(server)
    flow = owner.start('settings')
    link(owner, flow, App(server, shown(flow)).wrong).must(400)
    change(owner, method='profile', traits={'email': owner.email, 'name': 'Ana'}).must(200)
    change(owner, method='password', password='another-' + PASSWORD).must(200)
    assert told(server, post, owner.email) == 0


def test_of_many_submits_at_once_one_is_told(server, post):
    owner = member(server, 'native')
    flow = owner.start('settings')
    code = App(server, shown(flow)).code()
    with ThreadPoolExecutor(8) as pool:
        answers = [f.result() for f in [pool.submit(link, owner, flow, code) for _ in range(8)]]
    assert {a.status for a in answers} <= {200, 400}
    assert told(server, post, owner.email) == 1


def test_a_change_that_waited_for_a_fresh_sign_in_is_told_when_it_is_made(serve, post):
    strict = nested('selfservice.flows.settings.privileged_session_max_age', '1m')
    server = serve(merge(account(uri=post.uri), merge(LOOSE, strict)), clock=True)
    owner = member(server, 'browser')
    flow = owner.start('settings')
    app = App(server, shown(flow))
    server.clock.forward(61)
    answer = link(owner, flow, app.code()).must(303)
    assert told(server, post, owner.email) == 0
    owner.get(refresh(owner, answer).location).must(303)
    post.wait(owner.email, CHANGED)


def test_only_the_verified_address_that_was_there_before_is_told(server, post):
    owner = member(server)
    old, new = owner.email, new_email('thief')
    verify(owner, post, old)
    assert is_verified(owner)
    flow = owner.start('settings')
    code = App(server, shown(flow)).code()
    link(owner, flow, code).must(200)
    post.wait(old, CHANGED)
    change(owner, method='profile', traits={'email': new}).must(200)
    owner.email = new
    owner.submit('settings', owner.start('settings'), {'method': 'totp', 'totp_unlink': 'true'}).must(200)
    assert told(server, post, old) == 1, 'it is theirs no more'
    assert told(server, post, new) == 1, 'better than nobody; notify_previous_addresses tells the other'


def test_letters_in_german_for_who_reads_german(server, post):
    owner = member(server)
    flow = owner.start('settings')
    code = App(server, shown(flow)).code()
    owner.request('POST', f'/self-service/settings?flow={flow.flow_id}', headers={'Accept-Language': 'de-AT, en;q=0.5'},
                  accept='application/json', json_={'method': 'totp', 'totp_code': code, 'csrf_token': flow.node('csrf_token')}).must(200)
    letter = post.wait(owner.email, 'Ihre Anmeldung')
    assert 'Hinzugefügt: Authenticator-App' in letter.text


@pytest.mark.parametrize('more', [
    nested('mod_kratos.letters.factor_changed', False),
    {'courier': None},
], ids=['switched off', 'no mailer'])
def test_nothing_is_queued_where_nobody_wants_or_carries_it(serve, post, more):
    server = serve(merge(merge(account(uri=post.uri), LOOSE), more), clock=True)
    owner = member(server)
    enrol(server, owner)
    queued = [m['template_type'] for m in server.ctl.json('courier', 'list', '--recipient', owner.email)]
    assert queued and 'factor_changed' not in queued


def test_the_owners_words_take_the_place_of_ours(serve):
    post = Mailbox()
    words = {'subject': inline('{{ len .Changes }} for {{ .To }}'),
             'body': {'plaintext': inline('{{ range .Changes }}{{ .change }} {{ .factor }}{{ .name }}{{ end }} {{ .SettingsURL }} {{ .ByOwner }}')}}
    server = serve(merge(merge(account(uri=post.uri), LOOSE), nested('courier.templates.factor_changed.email', words)), clock=True)
    owner = member(server)
    enrol(server, owner)
    letter = post.wait(owner.email, '^1 for ')
    assert letter.text.split() == ['added', 'totp', server.url + '/self-service/settings/browser', 'false']
    post.close()
