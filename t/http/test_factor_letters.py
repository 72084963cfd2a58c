# SPDX-License-Identifier: Apache-2.0
"""Who has a factor added or removed hears of it, once, at the addresses that they had before."""
import pytest

from lib.account import account, ask, change, give, is_verified, member, refresh
from lib.clients import PASSWORD, new_email
from lib.factors import App, again, at_once, enrol, enrol_codes, link, make_codes, second, shown, told, use_code
from lib.keys import Key, add, add_key, passkeys, security_keys, sign_in, sign_up
from lib.mailbox import VERIFICATION, Mailbox
from lib.settings import inline, merge, nested

pytestmark = pytest.mark.san
CHANGED = 'How you sign in'
USED = 'A backup code was used'
LOOSE = merge(nested('selfservice.methods', {'totp': {'enabled': True}, 'lookup_secret': {'enabled': True}}),
              merge(nested('session.whoami.required_aal', 'aal1'), nested('selfservice.flows.settings.required_aal', 'aal1')))


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


def test_an_app_that_is_set_up_and_removed_is_two_letters(server, post, kind):
    owner = member(server, kind)
    enrol(server, owner)
    letter = post.wait(owner.email, CHANGED)
    assert 'Added: authenticator app' in letter.text and 'UTC' in letter.text
    assert letter.link == server.url + '/self-service/settings/browser' and letter.code is None
    assert '<li>Added: authenticator app</li>' in letter.parts['text/html']
    owner.submit('settings', owner.start('settings'), {'method': 'totp', 'totp_unlink': 'true'}).must(200, 303)
    assert 'Removed: authenticator app' in post.wait(owner.email, CHANGED, 2).text
    assert told(server, owner.email) == 2


def test_what_did_not_happen_is_not_told(server):
    owner = member(server)
    flow = owner.start('settings')
    link(owner, flow, App(server, shown(flow)).wrong).must(400)
    change(owner, method='profile', traits={'email': owner.email, 'name': 'Ana'}).must(200)
    change(owner, method='password', password=PASSWORD).must(400)
    assert told(server, owner.email) == 0


def test_a_password_that_takes_the_place_of_another_is_told(server, post):
    owner = member(server)
    change(owner, method='password', password='another-' + PASSWORD).must(200)
    assert 'Replaced: password' in post.wait(owner.email, CHANGED).text
    server.native().login(owner.email, 'another-' + PASSWORD).must(200)
    assert told(server, owner.email) == 1


def test_of_many_submits_at_once_one_is_told(server):
    owner = member(server, 'native')
    flow = owner.start('settings')
    code = App(server, shown(flow)).code()
    answers = at_once([lambda: link(owner, flow, code)] * 8)
    assert {a.status for a in answers} <= {200, 400}
    assert told(server, owner.email) == 1


def test_a_change_that_waited_for_a_fresh_sign_in_is_told_when_it_is_made(serve, post):
    strict = nested('selfservice.flows.settings.privileged_session_max_age', '1m')
    server = serve(merge(account(uri=post.uri), merge(LOOSE, strict)), clock=True)
    owner = member(server, 'browser')
    flow = owner.start('settings')
    app = App(server, shown(flow))
    server.clock.forward(61)
    answer = link(owner, flow, app.code()).must(303)
    assert told(server, owner.email) == 0
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
    assert told(server, old) == 1, 'it is theirs no more'
    assert told(server, new) == 1, 'better than nobody; notify_previous_addresses tells the other'


def test_letters_in_german_for_who_reads_german(server, post):
    owner = member(server)
    flow = owner.start('settings')
    code = App(server, shown(flow)).code()
    owner.request('POST', f'/self-service/settings?flow={flow.flow_id}', headers={'Accept-Language': 'de-AT, en;q=0.5'},
                  accept='application/json', json_={'method': 'totp', 'totp_code': code, 'csrf_token': flow.node('csrf_token')}).must(200)
    letter = post.wait(owner.email, 'Ihre Anmeldung')
    assert 'Hinzugefügt: Authenticator-App' in letter.text


def test_who_signs_in_with_a_recovery_code_is_told_how_many_are_left(server, post, kind):
    owner = member(server, kind)
    codes = enrol_codes(owner)
    assert 'Added: backup codes' in post.wait(owner.email, CHANGED).text
    client = again(server, owner, kind)
    use_code(client, 'nonsense')
    use_code(client, codes[3]).must(200, 303)
    letter = post.wait(owner.email, USED)
    assert f'Backup codes left: {len(codes) - 1}' in letter.text and 'UTC' in letter.text and codes[3] not in letter.text
    assert letter.link == server.url + '/self-service/settings/browser'
    use_code(again(server, owner, kind), codes[3])
    assert told(server, owner.email, 'recovery_code_used') == 1
    assert 'codes_left' not in str(client.whoami().body)


def test_of_many_who_bring_one_recovery_code_at_once_one_is_told(server):
    owner = member(server, 'native')
    codes = enrol_codes(owner)
    crowd = [(client, second(client)) for client in [again(server, owner) for _ in range(8)]]
    answers = at_once([lambda c=c, f=f: use_code(c, codes[0], f) for c, f in crowd])
    assert sorted(a.status for a in answers) == [200] + [400] * 7
    assert told(server, owner.email, 'recovery_code_used') == 1


def test_recovery_codes_made_anew_are_told_as_that(server, post):
    owner = member(server)
    enrol_codes(owner)
    make_codes(owner)
    assert told(server, owner.email) == 1, 'they are not kept yet'
    enrol_codes(owner)
    assert 'Replaced: backup codes' in post.wait(owner.email, CHANGED, 2).text
    owner.submit('settings', owner.start('settings'), {'lookup_secret_disable': 'true'}).must(200)
    assert 'Removed: backup codes' in post.wait(owner.email, CHANGED, 3).text


HOSTILE = 'Blue\r\nBcc: eve@example.org\r\n\r\n<a href="http://evil.example">x</a>\u202e{{ .To }} {site} =?utf-8?q?x?='


@pytest.fixture(scope='module')
def keyed(request, database, post):
    """A server where people have security keys and passkeys."""
    from conftest import end, start
    server = start(request, database, merge(merge(passkeys(), security_keys()), nested('courier', account(uri=post.uri)['courier'])))
    yield server
    end(server)


def test_a_keys_name_is_told_and_stays_a_name(keyed, post):
    owner = member(keyed)
    verify(owner, post, owner.email)
    add_key(owner, name=HOSTILE).must(200)
    letter = post.wait(owner.email, CHANGED)
    added, = [ln for ln in letter.text.splitlines() if ln.startswith('Added: ')]
    assert added.startswith('Added: security key \u201cBlueBcc: eve@example.org<a href=') and len(added) < 100
    assert '\u202e' not in letter.text and '<a href="http://evil' not in letter.parts['text/html']
    assert letter.to == [owner.email] and letter.msg['Bcc'] is None and 'Bcc: ' not in letter.text.splitlines()


def test_to_an_address_that_nobody_proved_no_name_is_told(keyed, post):
    owner = member(keyed)
    add_key(owner, name='Buy at evil.example').must(200)
    letter = post.wait(owner.email, CHANGED)
    assert 'Added: security key' in letter.text.splitlines() and 'evil' not in letter.text


def test_each_key_that_comes_or_goes_is_told_and_one_that_signs_in_is_not(keyed, post):
    owner = member(keyed)
    keys = [Key() for _ in range(2)]
    for n, key in enumerate(keys):
        add(owner, key).must(200)
        assert 'Added: passkey' in post.wait(owner.email, CHANGED, n + 1).text
    sign_in(keyed.ajax(), keys[0]).must(200)
    owner.submit('settings', owner.start('settings'), {'method': 'passkey', 'passkey_remove': keys[1].hex}).must(200)
    assert 'Removed: passkey' in post.wait(owner.email, CHANGED, 3).text
    assert told(keyed, owner.email) == 3


def test_who_signs_up_with_a_passkey_is_told_nothing(keyed):
    client = keyed.ajax()
    sign_up(client)
    assert told(keyed, client.email) == 0


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
