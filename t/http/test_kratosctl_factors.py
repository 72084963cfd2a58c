# SPDX-License-Identifier: Apache-2.0
"""kratosctl helps somebody whose phone is lost: what an account has to sign in with, and taking some of it away."""
import pytest

from lib.account import account, member
from lib.factors import enrol, level, step_up
from lib.keys import Key, add, add_key, passkeys, security_keys, sign_in, sign_up
from lib.settings import merge, nested

pytestmark = pytest.mark.san
CHANGED = 'How you sign in'
BY_OWNER = 'By the people who run the site'


@pytest.fixture(scope='module')
def site(request, database, post):
    from conftest import end, start
    both = merge(merge(passkeys(), security_keys()), nested('session.whoami.required_aal', 'highest_available'))
    server = start(request, database, merge(merge(account(uri=post.uri), both), nested('selfservice.methods.totp.enabled', True)), clock=True)
    yield server
    end(server)


def factors(ctl, who):
    return {f['factor']: f for f in ctl.json('identity', 'factors', who)}


def test_it_lists_what_there_is_and_no_secret(site, ctl):
    owner = member(site, 'native')
    assert set(factors(ctl, owner.email)) == {'password'}
    app = enrol(site, owner)
    has = factors(ctl, owner.email.upper())
    assert set(has) == {'password', 'totp'}
    assert (has['password']['first'], has['password']['second']) == (True, False)
    assert (has['totp']['first'], has['totp']['second']) == (False, True)
    assert has['totp']['added_at'] and has['totp']['key'] is None and 'codes_left' not in has['totp']
    table = ctl('identity', 'factors', owner.email)
    assert 'second' in table and table.splitlines()[0].split()[-1] == 'FACTOR'
    for secret in (app.secret, 'otpauth', 'totp_url', '$argon2'):
        assert secret not in table + ctl('identity', 'factors', owner.email, '--json')


@pytest.mark.parametrize('which', ['totp', 'all-second'])
def test_a_lost_phone_opens_nothing_any_more_and_its_owner_gets_in(site, ctl, post, which):
    owner, other = member(site), site.native()
    enrol(site, owner)
    other.login(owner.email)
    assert level(owner) == 'aal2' and other.whoami().status == 403
    run = ctl.run('identity', 'remove-factor', owner.email, which)
    assert run.stdout == '1 removed\n' and 'sessions' in run.stderr
    assert owner.whoami().status == 401 and other.whoami().status == 401, 'who has the phone may be signed in'
    assert set(factors(ctl, owner.email)) == {'password'}
    again = site.native()
    again.login(owner.email).must(200)
    assert level(again) == 'aal1', 'nothing else is asked for'
    letter = post.wait(owner.email, CHANGED, 2)
    assert 'Removed: authenticator app' in letter.text and BY_OWNER in letter.text
    assert BY_OWNER not in post.to(owner.email, CHANGED)[0].text
    assert ctl.run('identity', 'remove-factor', owner.email, which).returncode == 3
    assert again.whoami().status == 200, 'what did not happen ends no session'
    enrol(site, again)


def test_sessions_stay_where_their_owner_says_so(site, ctl):
    owner = member(site, 'native')
    enrol(site, owner)
    assert ctl('identity', 'remove-factor', owner.email, 'totp', '--keep-sessions') == '1 removed\n'
    assert owner.whoami().status == 200


@pytest.mark.parametrize('word, status', [
    ('password', 2), ('code', 2), ('', 2), ('totp:', 2), ('totp:ab', 2), ('webauthn:', 2), ('oidc:google:7', 2), ('Totp', 2),
    ('lookup_secret', 3), ('webauthn', 3), ('webauthn:ab', 3), ('passkey:ZZ', 3), ("webauthn:' OR 1=1 --", 3),
])
def test_what_is_not_there_is_not_removed(site, ctl, word, status):
    owner = member(site, 'native')
    enrol(site, owner)
    run = ctl.run('identity', 'remove-factor', owner.email, word)
    assert run.returncode == status and run.stderr and not run.stdout
    assert set(factors(ctl, owner.email)) == {'password', 'totp'} and owner.whoami().status == 200


def test_nobody_else_loses_anything(site, ctl):
    ana, eve = member(site, 'native'), member(site, 'native')
    app = enrol(site, ana)
    enrol(site, eve)
    ctl('identity', 'remove-factor', eve.email, 'totp')
    assert ana.whoami().status == 200 and set(factors(ctl, ana.email)) == {'password', 'totp'}
    client = site.native()
    client.login(ana.email)
    step_up(client, app.next()).must(200)
    for command in (['factors', 'nobody@example.org'], ['remove-factor', 'nobody@example.org', 'totp']):
        assert ctl.run('identity', *command).returncode == 3


# -- keys ----------------------------------------------------------------------------------

def test_each_key_is_a_factor_by_itself_and_goes_by_itself(site, ctl):
    owner = member(site)
    passkey, keys = Key(), [Key(), Key()]
    add(owner, passkey).must(200)
    for n, key in enumerate(keys):
        add_key(owner, key, name=f'Key \x1b[31m{n}\u202e').must(200)
    has = factors(ctl, owner.email)
    assert set(has) == {'password', f'passkey:{passkey.hex}', *(f'webauthn:{key.hex}' for key in keys)}
    assert has[f'webauthn:{keys[1].hex}']['display_name'] == 'Key [31m1' and has[f'webauthn:{keys[0].hex}']['second']
    table = ctl('identity', 'factors', owner.email)
    assert '\x1b' not in table and '\u202e' not in table and f'webauthn:{keys[0].hex}' in table
    assert 'public_key' not in ctl('identity', 'factors', owner.email, '--json')
    assert ctl('identity', 'remove-factor', owner.email, f'webauthn:{keys[0].hex.upper()}') == '1 removed\n'
    assert set(factors(ctl, owner.email)) == {'password', f'passkey:{passkey.hex}', f'webauthn:{keys[1].hex}'}
    assert ctl('identity', 'remove-factor', owner.email, 'all-second') == '1 removed\n'
    sign_in(site.ajax(), passkey).must(200)
    assert ctl('identity', 'remove-factor', owner.email, 'passkey') == '1 removed\n'
    assert sign_in(site.ajax(), passkey).status == 400
    assert set(factors(ctl, owner.email)) == {'password'}


def test_the_last_way_in_stays_unless_it_is_forced(site, ctl):
    client, keys = site.ajax(), [Key(), Key()]
    sign_up(client, keys[0])
    add(client, keys[1]).must(200)
    assert ctl('identity', 'remove-factor', client.email, f'passkey:{keys[0].hex}', '--keep-sessions') == '1 removed\n'
    run = ctl.run('identity', 'remove-factor', client.email, 'passkey')
    assert run.returncode == 1 and '--force' in run.stderr
    assert client.whoami().status == 200
    sign_in(site.ajax(), keys[1]).must(200)
    assert ctl('identity', 'remove-factor', client.email, 'passkey', '--force') == '1 removed\n'
    assert factors(ctl, client.email) == {} and client.whoami().status == 401
