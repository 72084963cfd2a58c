# SPDX-License-Identifier: Apache-2.0
"""kratosctl beside a server that serves: accounts, sessions and mail, on both databases."""
import json
import os
import pty
import signal
import subprocess

import pytest

from lib.account import person
from lib.clients import PASSWORD, messages, new_email
from lib.ctl import OUT, Ctl
from lib.mailbox import Mailbox
from lib.serving import wait_for
from lib.settings import UI, inline

pytestmark = pytest.mark.san
NOBODY = '01a20538-8c95-4e0d-93e0-6a388a836b1e'


def schema():
    schema = person()
    schema['properties']['traits']['properties'] |= {'age': {'type': 'integer', 'minimum': 0}}
    return inline(schema)


SETTINGS = {
    'identity': {'schemas': [{'id': 'person', 'url': schema()}]},
    'selfservice': {'methods': {'code': {'enabled': True}},
                    'flows': {'recovery': {'enabled': True, 'use': 'code', 'ui_url': UI + '/recovery'}}},
}


@pytest.fixture(scope='module')
def site(request, database):
    """A server, and kratosctl for it. Mail waits: there is nowhere to send it."""
    from conftest import end, start
    server = start(request, database, SETTINGS)
    yield server
    end(server)


def shown(ctl, who):
    return ctl.json('identity', 'get', who)[0]


# -- identity create ---------------------------------------------------------------


def test_an_account_made_by_its_owner_signs_in(site, ctl):
    email = new_email('Made')
    id_ = ctl.create(email, PASSWORD, '--trait', 'age=42', '--verified', '--metadata-public', '{"team":"blue"}')
    session = site.native().login(email).must(200).json['session']
    assert session['identity']['id'] == id_
    assert session['identity']['traits'] == {'email': email, 'age': 42}
    assert session['identity']['metadata_public'] == {'team': 'blue'}
    address, = session['identity']['verifiable_addresses']
    assert address['verified'] and address['status'] == 'completed' and address['verified_at']


@pytest.mark.parametrize('text', ['correct horse\0 battery', '\0correct horse battery', 'correct horse\nbattery staple\n'])
def test_a_password_is_the_whole_of_one_line(ctl, text):
    email = new_email()
    run = ctl.run('identity', 'create', '--trait', f'email={email}', '--password-stdin', input=text)
    assert run.returncode == 1 and 'one line' in run.stderr and 'correct' not in run.stderr
    assert ctl.run('identity', 'get', email).returncode == 3


def test_traits_after_which_something_stands_are_none(ctl):
    email = new_email()
    run = ctl.run('identity', 'create', '--traits', '-', input=json.dumps({'email': email}) + '\0{}')
    assert run.returncode == 2 and '--traits' in run.stderr
    assert ctl.run('identity', 'get', email).returncode == 3


def test_traits_come_as_one_json_object_too(ctl):
    email = new_email()
    id_, = ctl.json('identity', 'create', '--traits', '-', input=json.dumps({'email': email, 'age': 7}))
    assert shown(ctl, id_['id'])['traits'] == {'email': email, 'age': 7}


@pytest.mark.parametrize('traits, password, node', [
    ({'email': 'no address'}, PASSWORD, 'traits.email'), ({'email': 'short.pw@example.org'}, 'short', 'password'),
    ({'email': 'similar.password@example.org'}, 'similar.password', 'password'), ({'email': 'x@example.org', 'age': -1}, PASSWORD, 'traits.age'),
])
def test_what_registration_refuses_is_refused_in_the_same_words(site, ctl, traits, password, node):
    form = site.native().register(traits['email'], password, **{k: v for k, v in traits.items() if k != 'email'}).must(400)
    words = [m['text'] for n in form.json['ui']['nodes'] if n['attributes']['name'] == node for m in n['messages']]
    run = ctl.run('identity', 'create', '--traits', json.dumps(traits), '--password-stdin', input=password)
    assert run.returncode == 1 and words
    assert run.stderr.splitlines() == [f'kratosctl: {node}: {text}' for text in words]


def test_an_identifier_is_taken_once_with_or_without_a_password(site, ctl):
    email = new_email()
    ctl.create(email)
    assert 'already' in ctl.run('identity', 'create', '--trait', f'email={email.upper()}').stderr
    assert messages(site.native().register(email).must(400)) == [4000007]
    assert messages(site.native().login(email).must(400)) == [4000006], 'no password signs in where none was set'


def test_an_unknown_trait_or_schema_makes_nothing(ctl):
    before = len(ctl.json('identity', 'list', '--limit', '0'))
    assert ctl.run('identity', 'create', '--trait', 'email=a@example.org', '--trait', 'frob=1').returncode == 1
    assert ctl.run('identity', 'create', '--trait', 'email=a@example.org', '--schema', 'frob').returncode == 1
    assert ctl.run('identity', 'create', '--trait', 'email=a@example.org', '--password-stdin').returncode == 1, 'no password there'
    assert len(ctl.json('identity', 'list', '--limit', '0')) == before


# -- identity get, list --------------------------------------------------------------


def test_get_finds_by_id_and_by_any_spelling_of_an_identifier(ctl):
    email = new_email()
    id_ = ctl.create(email, PASSWORD)
    by_id, by_name = shown(ctl, id_), shown(ctl, f' {email.upper()}')
    assert by_id == by_name and by_id['id'] == id_
    assert by_id['credentials']['password']['identifiers'] == [email]
    assert 'config' not in by_id['credentials']['password'] and '$argon2' not in ctl('identity', 'get', email)
    for stranger in (NOBODY, 'nobody@example.org', '', "' OR 1=1 --", 'ü' * 300):
        assert ctl.run('identity', 'get', stranger).returncode == 3


def test_both_spellings_of_a_domain_find_one_account(site, ctl):
    name = new_email().split('@')[0]
    letters, ascii_ = f'{name}@b\u00fccher.example', f'{name}@xn--bcher-kva.example'
    id_ = ctl.create(letters, PASSWORD)
    assert shown(ctl, letters)['id'] == shown(ctl, ascii_)['id'] == id_
    assert shown(ctl, id_)['traits']['email'] == letters
    site.native().login(ascii_).must(200)


def test_list_goes_on_where_it_ended(ctl):
    mark = new_email('page').split('@')[0]
    made = {ctl.create(f'{mark}.{n}@example.org') for n in range(5)}
    whole = [i['id'] for i in ctl.json('identity', 'list', '--identifier', mark.upper(), '--limit', '0')]
    assert set(whole) == made and whole == sorted(whole)
    first = ctl.run('identity', 'list', '--json', '--identifier', mark, '--limit', '3')
    assert [json.loads(ln)['id'] for ln in first.stdout.splitlines()] == whole[:3] and whole[2] in first.stderr
    rest = ctl.run('identity', 'list', '--json', '--identifier', mark, '--limit', '3', '--after', whole[2])
    assert [json.loads(ln)['id'] for ln in rest.stdout.splitlines()] == whole[3:] and not rest.stderr
    assert ctl.json('identity', 'list', '--identifier', '%') == [], 'a text, no pattern'
    assert ctl.run('identity', 'list', '--limit', '-1').returncode == 2


def test_another_realm_sees_nothing_of_it(site, ctl):
    email = new_email()
    id_ = ctl.create(email, PASSWORD)
    other = Ctl(site, realm='other')
    assert other.json('identity', 'list') == [] and other.json('session', 'list') == []
    for args in (('get', id_), ('get', email), ('disable', id_), ('delete', '--yes', id_)):
        assert other.run('identity', *args).returncode == 3
    assert shown(ctl, id_)['state'] == 'active'


def test_what_a_stranger_wrote_cannot_speak_to_a_terminal(site, ctl):
    email = new_email()
    name = 'A\x1b]0;owned\x07\u009b2J\u202eB\u2028\x7fé'
    site.native().register(email, name=name).must(200)
    plain = ctl('identity', 'get', email)
    assert r'A\x1b]0;owned\x07\xc2\x9b2J\u202eB\u2028\x7fé' in plain
    text = ctl('identity', 'get', email, '--json')
    assert not set(text) & set('\x1b\x07\u009b\u202e\u2028\x7f') and json.loads(text)['traits']['name'] == name
    agent = site.native()
    agent.request('POST', '/frob')
    assert ctl('session', 'list').isprintable() or all(ln.isprintable() for ln in ctl('session', 'list').splitlines())


# -- identity disable, enable, delete ---------------------------------------------------


def test_a_disabled_account_is_out_until_it_is_enabled(site, ctl):
    email, client = new_email(), site.native()
    client.register(email).must(200)
    ctl('identity', 'disable', email)
    changed = shown(ctl, email)['state_changed_at']
    assert client.whoami().status == 401 and site.native().login(email).status in (400, 401, 403)
    ctl('identity', 'disable', email)
    assert shown(ctl, email)['state_changed_at'] == changed, 'it was disabled already'
    ctl('identity', 'enable', email)
    assert client.whoami().status == 200 and site.native().login(email).status == 200


def test_a_deleted_account_leaves_nothing_behind(site, ctl):
    email, client = new_email(), site.native()
    id_ = client.register(email).must(200).json['identity']['id']
    flow = site.native().start('recovery')
    site.native().submit('recovery', flow, {'method': 'code', 'email': email})
    assert ctl.run('identity', 'delete', id_).returncode == 1, 'nobody is there to be asked'
    assert client.whoami().status == 200
    assert ctl('identity', 'delete', '--yes', id_) == '1 deleted\n'
    assert client.whoami().status == 401
    assert ctl.run('identity', 'get', id_).returncode == 3 and ctl.json('session', 'list', '--limit', '0') is not None
    if not site.db:
        for table, column in (('identity_credentials', 'identity_id'), ('identity_addresses', 'identity_id'),
                              ('sessions', 'identity_id'), ('codes', 'identity_id'), ('flows', 'identity_id')):
            assert site.rows(f"SELECT COUNT(*) FROM {table} WHERE {column} = '{id_}'") == [(0,)]
        assert site.rows(f"SELECT COUNT(*) FROM identity_identifiers WHERE identifier = '{email}'") == [(0,)]
    site.native().register(email).must(200)


@pytest.mark.parametrize('answer, status', [('n\n', 1), ('\n', 1), ('\0\n', 1), ('y\n', 0)])
def test_delete_asks_whoever_sits_there(ctl, answer, status):
    id_ = ctl.create(new_email())
    ours, theirs = pty.openpty()
    with subprocess.Popen([f'{OUT}/kratosctl', 'identity', 'delete', id_, *map(str, ctl.options)], stdin=theirs,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        os.write(ours, answer.encode())
        _, question = run.communicate(timeout=10)
    os.close(ours)
    os.close(theirs)
    assert run.returncode == status and question.startswith('Delete 1 account')
    assert ctl.run('identity', 'get', id_).returncode == (0 if status else 3)


def test_delete_is_all_or_nothing(ctl):
    id_ = ctl.create(new_email())
    run = ctl.run('identity', 'delete', '--yes', id_, NOBODY)
    assert run.returncode == 3 and NOBODY in run.stderr
    assert shown(ctl, id_)
    assert ctl.run('identity', 'delete', '--yes', 'ana@example.org').returncode == 2


# -- session ---------------------------------------------------------------------------


def test_sessions_are_listed_and_revoked_one_by_one_by_account_and_all(site, ctl):
    email, clients = new_email(), [site.native() for _ in range(3)]
    clients[0].register(email).must(200)
    for client in clients[1:]:
        client.login(email).must(200)
    listed = ctl.json('session', 'list', '--identity', email)
    assert [s['id'] for s in listed] == sorted(c.session()['id'] for c in clients)
    assert all(s['active'] and s['authentication_methods'][0]['method'] == 'password' for s in listed)
    assert not any(c.token in ctl('session', 'list', '--limit', '0', '--json') for c in clients)

    assert ctl('session', 'revoke', clients[0].session()['id']) == '1 revoked\n'
    assert [c.whoami().status for c in clients] == [401, 200, 200]
    assert len(ctl.json('session', 'list', '--active', '--identity', email)) == 2
    assert len(ctl.json('session', 'list', '--identity', email)) == 3, 'a revoked one is still told of'
    assert ctl('session', 'revoke', '--identity', email) == '2 revoked\n'
    assert [c.whoami().status for c in clients] == [401, 401, 401]

    clients[0].login(email).must(200)
    assert ctl('session', 'revoke', '--all').split()[1] == 'revoked'
    assert clients[0].whoami().status == 401 and ctl.json('session', 'list', '--active', '--limit', '0') == []
    assert ctl.run('session', 'revoke', NOBODY).returncode == 3
    assert ctl.run('session', 'list', '--identity', 'nobody@example.org').returncode == 3


# -- courier ----------------------------------------------------------------------------


def ask_recovery(site, email):
    client = site.native()
    client.submit('recovery', client.start('recovery'), {'method': 'code', 'email': email}).must(200)


def test_messages_are_listed_without_what_stands_in_them(site, ctl):
    email = new_email()
    ctl.create(email)
    ask_recovery(site, email)
    message, = ctl.json('courier', 'list', '--recipient', email)
    assert message['status'] == 'queued' and message['type'] == 'email' and message['template_type'] == 'recovery_code_valid'
    assert not {'body', 'subject', 'sealed'} & set(message)
    assert ctl.json('courier', 'list', '--recipient', email, '--status', 'sent') == []
    assert email in ctl('courier', 'list')
    assert ctl.run('courier', 'retry', message['id']).returncode == 3, 'it waits already'
    assert ctl.run('courier', 'watch').returncode == 1, 'there is no mail server'


def test_what_is_stored_for_nobody_is_not_listed(site, ctl):
    before = len(ctl.json('courier', 'list', '--limit', '0'))
    ask_recovery(site, 'nobody.at.all@example.org')
    assert len(ctl.json('courier', 'list', '--limit', '0')) == before


def test_watch_sends_until_it_is_told_to_stop_and_retry_revives_what_was_given_up(site, ctl):
    email, post = new_email(), Mailbox()
    ctl.create(email)
    ask_recovery(site, email)
    mail = ['--set', f'courier.smtp.connection_uri={post.uri}', '--set', 'courier.smtp.from_address=site@example.org']
    try:
        watch = subprocess.Popen([f'{OUT}/kratosctl', 'courier', 'watch', *map(str, ctl.options), *mail], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        post.wait(email)
        wait_for(lambda: ctl.json('courier', 'list', '--recipient', email, '--status', 'sent'))
        watch.send_signal(signal.SIGTERM)
        out, _ = watch.communicate(timeout=10)
        assert watch.returncode == 0 and out.endswith('sent\n')
    finally:
        post.close()


def test_what_was_given_up_is_queued_anew(site, ctl):
    email, post = new_email(), Mailbox()

    async def refuse(_server, _session, envelope, address, _options):
        if address == email and not post.mails:
            return '550 \x1b[31mno'
        envelope.rcpt_tos.append(address)
        return '250 yes'
    post.handle_RCPT = refuse
    mail = ['--set', f'courier.smtp.connection_uri={post.uri}', '--set', 'courier.smtp.from_address=site@example.org', '--once']
    try:
        ctl('courier', 'watch', *mail)
        post.mails.clear()
        ctl.create(email)
        ask_recovery(site, email)
        ctl('courier', 'watch', *mail)
        given_up, = ctl.json('courier', 'list', '--status', 'abandoned')
        assert given_up['recipient'] == email and '550' in given_up['last_error']
        assert '\x1b' not in ctl('courier', 'list')
        assert ctl('courier', 'retry', given_up['id']) == '1 queued anew\n'
        post.mails.append(None)
        ctl('courier', 'watch', *mail)
        assert ctl.json('courier', 'list', '--recipient', email)[0]['status'] == 'sent'
        assert ctl('courier', 'retry', '--abandoned') == '0 queued anew\n'
    finally:
        post.close()
