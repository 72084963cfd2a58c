# SPDX-License-Identifier: Apache-2.0
"""What holds for every change of factors, whichever they are: who may make it, when, what ends by it, and who hears of it."""
import pytest

from lib.account import account, member, refresh
from lib.clients import error_id
from lib.factors import App, shown, told
from lib.keys import Key, passkeys, security_keys
from lib.settings import UI, merge, nested

LATE = 61               # seconds after which factors change only with a fresh sign-in
pytestmark = pytest.mark.san


class Totp:
    """An authenticator app."""
    kind = method = 'totp'
    clients = ('browser', 'ajax', 'native')

    @staticmethod
    def prepare(client, flow):
        """What comes before that."""

    @staticmethod
    def adding(server, flow):
        """What is to be submitted so that there is one."""
        return {'method': 'totp', 'totp_code': App(server, shown(flow)).code()}

    @staticmethod
    def removing(flow):
        """What is to be submitted so that there is none; the flow shows that there is one."""
        assert flow.node('totp_unlink') == 'true'
        return {'method': 'totp', 'totp_unlink': 'true'}


class Codes:
    """Recovery codes."""
    kind = method = 'lookup_secret'
    clients = ('browser', 'ajax', 'native')

    @staticmethod
    def prepare(client, flow):
        client.submit('settings', flow, {'lookup_secret_regenerate': 'true'}).must(200, 303)

    @staticmethod
    def adding(server, flow):
        return {'lookup_secret_confirm': 'true'}

    @staticmethod
    def removing(flow):
        assert flow.node('lookup_secret_disable') == 'true'
        return {'lookup_secret_disable': 'true'}


class SecurityKey:
    """A key as second factor."""
    kind = method = 'webauthn'
    clients = ('browser', 'ajax')
    prepare = Totp.prepare

    @staticmethod
    def adding(server, flow):
        return {'method': 'webauthn', 'webauthn_register_displayname': 'Blue', 'webauthn_register': Key().create(flow, 'webauthn_register_trigger')}

    @staticmethod
    def removing(flow):
        return {'method': 'webauthn', 'webauthn_remove': flow.node('webauthn_remove')}


class Passkey:
    """A passkey beside the password."""
    kind = method = 'passkey'
    clients = ('browser', 'ajax')
    prepare = Totp.prepare

    @staticmethod
    def adding(server, flow):
        return {'method': 'passkey', 'passkey_settings_register': Key().create(flow, 'passkey_create_data')}

    @staticmethod
    def removing(flow):
        return {'method': 'passkey', 'passkey_remove': flow.node('passkey_remove')}


KINDS = [Totp, Codes, SecurityKey, Passkey]
LIST = [pytest.param(kind, client, id=f'{kind.kind}-{client}') for kind in KINDS for client in kind.clients]
BROWSERS = [pytest.param(kind, id=kind.kind) for kind in KINDS]
both = pytest.mark.parametrize('gone', [False, True], ids=['added', 'removed'])


def settings(post, **more):
    """Every factor there is, and a minute to change them in."""
    mine = {'selfservice': {'methods': {'totp': {'enabled': True}, 'lookup_secret': {'enabled': True}},
                            'flows': {'settings': {'privileged_session_max_age': '1m', 'required_aal': 'aal1', **more}}}}
    return merge(merge(passkeys(), security_keys()), merge(nested('courier', account(uri=post.uri)['courier']), mine))


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    server = start(request, database, settings(post), clock=True)
    yield server
    end(server)


def has(server, kind, email):
    """Does the account have one of that kind?"""
    return kind.kind in {f['type'] for f in server.ctl.json('identity', 'factors', email)}


def begun(server, kind, client, gone):
    """Somebody with a form open, and what they will submit to it."""
    owner = member(server, client)
    flow = owner.start('settings')
    kind.prepare(owner, flow)
    if gone:
        owner.submit('settings', flow, kind.adding(server, flow)).must(200, 303)
        assert has(server, kind, owner.email)
        flow = owner.start('settings')
    return owner, flow, lambda: kind.removing(flow) if gone else kind.adding(server, flow)


# -- who may -----------------------------------------------------------------------------------

@both
@pytest.mark.parametrize('kind, client', LIST)
def test_an_old_sign_in_changes_nothing(server, kind, client, gone):
    owner, flow, wanted = begun(server, kind, client, gone)
    server.clock.forward(LATE)
    answer = owner.submit('settings', flow, wanted())
    if client == 'browser':
        assert answer.status == 303 and 'refresh=true' in answer.location
    else:
        assert answer.status == 403 and error_id(answer) == 'session_refresh_required'
        assert 'refresh=true' in answer.json['redirect_browser_to']
    assert has(server, kind, owner.email) is gone
    assert told(server, owner.email) == gone, 'what did not happen is not told'


@both
@pytest.mark.parametrize('kind', BROWSERS)
def test_what_a_person_wanted_is_done_after_the_fresh_sign_in_and_told_once(server, kind, gone):
    owner, flow, wanted = begun(server, kind, 'browser', gone)
    server.clock.forward(LATE)
    back = refresh(owner, owner.submit('settings', flow, wanted()).must(303))
    assert has(server, kind, owner.email) is gone
    assert owner.get(back.location).must(303).location == f'{UI}/settings?flow={flow.flow_id}'
    assert owner.fetch('settings', flow.flow_id).json['state'] == 'success'
    assert has(server, kind, owner.email) is not gone
    owner.get(back.location).must(303)              # followed once more it does nothing
    assert has(server, kind, owner.email) is not gone
    assert told(server, owner.email) == 1 + gone


@both
@pytest.mark.parametrize('kind, client', LIST)
def test_a_session_that_ended_meanwhile_changes_nothing(server, kind, client, gone):
    owner, flow, wanted = begun(server, kind, client, gone)
    assert server.ctl('session', 'revoke', '--identity', owner.email) == '1 revoked\n'
    owner.submit('settings', flow, wanted()).must(302 if client == 'browser' else 401)
    assert has(server, kind, owner.email) is gone


@both
@pytest.mark.parametrize('kind, client', LIST)
def test_an_account_that_was_locked_meanwhile_stays_as_it_is(server, kind, client, gone):
    owner, flow, wanted = begun(server, kind, client, gone)
    server.ctl('identity', 'disable', owner.email)
    owner.submit('settings', flow, wanted()).must(302 if client == 'browser' else 401)
    assert has(server, kind, owner.email) is gone
    server.ctl('identity', 'enable', owner.email)


@both
@pytest.mark.parametrize('kind', BROWSERS)
def test_what_waits_is_not_done_once_all_sessions_were_ended(server, kind, gone):
    owner, flow, wanted = begun(server, kind, 'browser', gone)
    server.clock.forward(LATE)
    owner.submit('settings', flow, wanted()).must(303)
    server.ctl('session', 'revoke', '--identity', owner.email)
    owner.get('/self-service/settings', {'flow': flow.flow_id}).must(302)
    assert has(server, kind, owner.email) is gone


@both
@pytest.mark.parametrize('kind', BROWSERS)
def test_somebody_elses_form_changes_nothing(server, kind, gone):
    owner, flow, wanted = begun(server, kind, 'ajax', gone)
    eve = member(server, 'ajax')
    assert eve.submit('settings', flow, wanted()).status in (400, 403)
    assert has(server, kind, owner.email) is gone and not has(server, kind, eve.email)


# -- what ends by it -----------------------------------------------------------------------------

@both
@pytest.mark.parametrize('tick', [None, 'false', 'true'])
@pytest.mark.parametrize('kind, client', LIST)
def test_other_sessions_end_where_the_person_ticked_it(server, kind, client, gone, tick):
    owner, flow, wanted = begun(server, kind, client, gone)
    other = server.native()
    other.login(owner.email).must(200)
    owner.submit('settings', flow, wanted() | ({'revoke_other_sessions': tick} if tick else {})).must(200, 303)
    assert has(server, kind, owner.email) is not gone
    assert other.whoami().status == (401 if tick == 'true' else 200)
    assert owner.whoami().status == 200


@both
@pytest.mark.parametrize('kind', BROWSERS)
def test_they_end_when_what_waited_is_done(server, kind, gone):
    owner, flow, wanted = begun(server, kind, 'browser', gone)
    other = server.native()
    other.login(owner.email).must(200)
    server.clock.forward(LATE)
    answer = owner.submit('settings', flow, wanted() | {'revoke_other_sessions': 'on'}).must(303)
    assert other.whoami().status == 200
    owner.get(refresh(owner, answer).location).must(303)
    assert has(server, kind, owner.email) is not gone
    assert other.whoami().status == 401 and owner.whoami().status == 200


@pytest.fixture(scope='module')
def stern(request, database, post):
    """The owner has others end with each change of factors."""
    from conftest import end, start
    after = {kind.method: {'hooks': [{'hook': 'revoke_active_sessions'}]} for kind in KINDS}
    server = start(request, database, settings(post, after=after), clock=True)
    yield server
    end(server)


@both
@pytest.mark.parametrize('kind', BROWSERS)
def test_they_end_where_the_owner_says_so(stern, kind, gone):
    owner, flow, wanted = begun(stern, kind, 'ajax', gone)
    other = stern.native()
    other.login(owner.email).must(200)
    owner.submit('settings', flow, wanted()).must(200)
    assert has(stern, kind, owner.email) is not gone
    assert other.whoami().status == 401 and owner.whoami().status == 200
