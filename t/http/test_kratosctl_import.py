# SPDX-License-Identifier: Apache-2.0
"""kratosctl import and export: what people have comes in, signs in, and goes out again."""
import base64
import copy
import json
import subprocess

import pytest

from lib import account
from lib.clients import PASSWORD, WRONG, messages, new_email
from lib.ctl import OUT, Ctl
from lib.factors import App, level, step_up, use_code
from lib.keys import Key, add_key, cbor, passkeys, security_keys, sign_in, sign_up, stored, tap
from lib.settings import PERSON, inline, merge

pytestmark = pytest.mark.san
ALGORITHMS = {'bcrypt': '-B -C 5', 'apr1': '-m', 'sha1': '-s', 'sha256-crypt': '-2', 'sha512-crypt': '-5', 'des': '-d'}
BCRYPT = '$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'     # of U*U


def schema():
    """A person with an address to verify, and one of an htpasswd file."""
    user = copy.deepcopy(PERSON)
    user['properties']['traits'] |= {'required': ['login'], 'properties': {
        'nick': {'type': 'string'},
        'login': {'type': 'string', 'minLength': 3, 'ory.sh/kratos': {'credentials': {'password': {'identifier': True}}}}}}
    return [{'id': 'person', 'url': inline(account.person())}, {'id': 'user', 'url': inline(user)}]


@pytest.fixture(scope='module')
def site(request, database):
    from conftest import end, start
    server = start(request, database, {'identity': {'schemas': schema()}})
    yield server
    end(server)


def person(email, **more):
    return {'schema_id': 'person', 'traits': {'email': email}, **more}


def hashed(hash_):
    return {'password': {'config': {'hashed_password': hash_}}}


def b64(raw):
    """Standard base64, as rows have bytes."""
    return base64.b64encode(raw).decode()


def lines(*documents):
    return ''.join(json.dumps(d) + '\n' for d in documents)


def stored_hash(ctl, email):
    """As an export shows it."""
    return next(d['credentials']['password']['config']['hashed_password']
                for d in map(json.loads, ctl('export', '--with-credentials').splitlines()) if email in d['traits'].values())


# -- htpasswd -------------------------------------------------------------------------


@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_users_of_an_htpasswd_file_keep_their_password_and_get_a_better_hash_at_sign_in(site, ctl, algorithm):
    user = new_email(algorithm).split('@')[0]
    password = 'correct!' if algorithm == 'des' else PASSWORD
    line = subprocess.run(['htpasswd', '-nb', *ALGORITHMS[algorithm].split(), user, password], check=True, capture_output=True,
                          text=True).stdout
    assert ctl('import', '-', '--format', 'htpasswd', '--schema', 'user', input=line) == '1 imported, 0 skipped, 0 failed\n'
    assert stored_hash(ctl, user).endswith(line.strip().split(':')[1]), 'the hash is kept'
    assert messages(site.native().login(user, WRONG).must(400)) == [4000006]
    assert not stored_hash(ctl, user).startswith('$argon2id$'), 'a wrong password changes nothing'
    site.native().login(user.upper(), password).must(200)
    assert stored_hash(ctl, user).startswith('$argon2id$')
    site.native().login(user, password).must(200)
    assert messages(site.native().login(user, password + 'x').must(400)) == [4000006], 'of the whole password'


def test_an_htpasswd_file_may_hold_comments_blank_lines_and_remarks(ctl):
    one, two = new_email('rem').split('@')[0], new_email('crlf').split('@')[0]
    text = f'# users\n\n{one}:{BCRYPT}:Ana of accounting\n{two}:{BCRYPT}\r\n'
    assert ctl('import', '-', '--format', 'htpasswd', '--schema', 'user', input=text).startswith('2 imported')
    assert stored_hash(ctl, two) == BCRYPT


@pytest.mark.parametrize('line, why', [
    ('nocolon', 'user:hash'), (':' + BCRYPT, 'user:hash'), ('plain:secret-text', 'hash'), ('empty:', 'hash'),
    ('costly:$2y$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'hash'), ('ab:' + BCRYPT, 'traits.login'),
    ('rounds:$6$rounds=999999999$saltsalt$' + 'a' * 86, 'hash'), ('\u202e:' + BCRYPT, 'traits.login'),
])
def test_a_bad_line_of_htpasswd_is_named_and_its_hash_is_not_shown(ctl, line, why):
    run = ctl.run('import', '-', '--format', 'htpasswd', '--schema', 'user', input='# one\n' + line)
    assert run.returncode == 1 and run.stderr.startswith('kratosctl: line 2: ') and why in run.stderr
    assert BCRYPT not in run.stderr and 'secret-text' not in run.stderr
    assert '1 failed; stopped' in run.stdout


def test_user_names_go_to_the_trait_that_is_named(ctl):
    mail = new_email('trait')
    ctl('import', '-', '--format', 'htpasswd', '--trait', 'email', input=f'{mail}:{BCRYPT}')
    assert ctl.json('identity', 'get', mail)[0]['traits'] == {'email': mail}
    assert ctl.run('import', '-', '--format', 'htpasswd', '--trait', 'frob', input='').returncode == 1
    assert ctl.run('import', '-', '--trait', 'email', input='').returncode == 2


# -- JSON lines -----------------------------------------------------------------------


def test_everything_of_a_document_comes_in(site, ctl):
    email = new_email('Whole')
    document = person(email, state='inactive', metadata_public={'a': [1]}, metadata_admin={'b': None}, external_id=email,
                      verifiable_addresses=[{'value': email.upper(), 'via': 'email', 'verified': True,
                                             'verified_at': '2024-02-29T12:00:00+01:00'},
                                            {'value': 'not.mine@example.org', 'via': 'email', 'verified': True}],
                      recovery_addresses=[{'value': email, 'via': 'email'}], credentials=hashed(BCRYPT))
    ctl('import', '-', input=lines(document))
    got, = ctl.json('identity', 'get', email)
    assert {k: got[k] for k in ('state', 'metadata_public', 'metadata_admin', 'external_id')} \
        == {k: document[k] for k in ('state', 'metadata_public', 'metadata_admin', 'external_id')}
    address, = got['verifiable_addresses']
    assert address['value'] == email.lower() and address['verified'] and address['status'] == 'completed'
    assert address['verified_at'] == '2024-02-29T11:00:00Z'
    assert site.native().login(email, 'U*U').status != 200, 'inactive'
    ctl('identity', 'enable', email)
    site.native().login(email, 'U*U').must(200)


def test_a_plain_password_is_hashed(site, ctl):
    email = new_email()
    ctl('import', '-', input=lines(person(email, credentials={'password': {'config': {'password': 'short'}}})))
    site.native().login(email, 'short').must(200)
    assert stored_hash(ctl, email).startswith('$argon2id$')


def test_an_account_without_a_password_keeps_its_name_for_itself(ctl):
    user = new_email('reserved').split('@')[0]
    ctl('import', '-', '--schema', 'user', input=lines({'traits': {'login': user}}))
    assert ctl.json('identity', 'get', user)[0]['traits'] == {'login': user}
    run = ctl.run('import', '-', '--schema', 'user', '--format', 'htpasswd', input=f'{user.upper()}:{BCRYPT}')
    assert run.returncode == 1 and 'there already' in run.stderr


BAD = {
    'no JSON': '{"traits": {"email": "a@example.org"', 'no object': '[]', 'unknown member': lines(person('a@example.org', trait={})),
    'no traits': '{"schema_id": "person"}', 'other schema': lines({'schema_id': 'frob', 'traits': {}}),
    'invalid trait': lines(person('no address')), 'state': lines(person('a@example.org', state='locked')),
    'unknown hash': lines(person('a@example.org', credentials=hashed('$7$x'))),
    'two passwords': lines(person('a@example.org', credentials={'password': {'config': {'password': 'a', 'hashed_password': BCRYPT}}})),
    'other credential': lines(person('a@example.org', credentials={'oidc': {'config': {}}})),
    'twice the key': '{"traits": {"email": "a@example.org"}, "traits": {}}', 'deep': '[' * 40, 'NUL': '{"traits": {"email": "a\\u0000"}}',
    'long': '{"traits": {"email": "' + 'a' * 1024 * 1024 + '"}}', 'not UTF-8': '{"traits": {"email": "\udcff"}}',
    'long value': lines(person('a@example.org', metadata_public='x' * 70000)), 'external id': lines(person('a@example.org', external_id='x' * 300)),
    'no time': lines(person('a@example.org', verifiable_addresses=[{'value': 'a@example.org', 'via': 'email', 'verified': True,
                                                                    'verified_at': 'yesterday'}])),
    'an escape': lines(person('a@example.org', credentials={'\x1b[31m': {}})),
}


@pytest.mark.parametrize('case', BAD)
def test_a_bad_document_is_named_by_its_line_and_changes_nothing(ctl, case):
    good = new_email()
    text = (lines(person(good)) + BAD[case]).encode('utf-8', 'surrogateescape')
    run = subprocess.run([f'{OUT}/kratosctl', 'import', '-', *map(str, ctl.options)], input=text, capture_output=True, timeout=60)
    errors = run.stderr.decode()
    assert run.returncode == 1 and 'line 2: ' in errors and '\x1b' not in errors and BCRYPT not in errors
    assert run.stdout.decode().startswith('1 imported, 0 skipped, 1 failed; stopped')
    assert ctl.run('identity', 'get', good).returncode == 0, 'what stood before it is stored'
    assert ctl.run('identity', 'get', 'a@example.org').returncode == 3


def test_keep_going_takes_all_good_lines_also_those_of_a_batch_that_failed(ctl):
    mark = new_email('many').split('@')[0]
    mails = [f'{mark}.{n}@example.org' for n in range(450)]
    documents = [person(m) for m in mails] + [person(mails[10])]
    documents[205:205] = [person(mails[204]), person('no address')]
    text = lines(*documents)
    assert ctl('import', '-', '--keep-going', input=text, status=1) == '450 imported, 0 skipped, 3 failed\n'
    assert len(ctl.json('identity', 'list', '--limit', '0', '--identifier', mark)) == 450
    again = ctl.run('import', '-', '--keep-going', '--update', 'skip', input=text)
    assert again.stdout == '0 imported, 452 skipped, 1 failed\n' and 'line 207: traits.email' in again.stderr
    assert ctl('import', '-', '--update', 'skip', input=lines(*documents[:5])) == '0 imported, 5 skipped, 0 failed\n'


def test_without_keep_going_the_first_duplicate_ends_the_import(ctl):
    first, taken, last = new_email(), new_email(), new_email()
    ctl.create(taken)
    run = ctl.run('import', '-', input=lines(person(first), person(taken), person(last)))
    assert run.returncode == 1 and 'line 2: ' in run.stderr and run.stdout.startswith('1 imported, 0 skipped, 1 failed; stopped')
    assert ctl.run('identity', 'get', first).returncode == 0 and ctl.run('identity', 'get', last).returncode == 3


def test_a_dry_run_finds_what_an_import_would_and_stores_nothing(ctl):
    taken, free = new_email(), new_email()
    ctl.create(taken)
    text = lines(person(free), person(taken), person(free), person('no address'))
    assert ctl('import', '-', '--dry-run', '--keep-going', input=text, status=1) == '1 could be imported, 0 skipped, 3 failed\n'
    assert ctl.run('identity', 'get', free).returncode == 3
    assert ctl('import', '-', '--dry-run', '--update', 'skip', input=lines(person(taken))) == '0 could be imported, 1 skipped, 0 failed\n'


def test_a_file_that_is_not_there_is_said(ctl):
    run = ctl.run('import', '/frob')
    assert run.returncode == 1 and '/frob cannot be read' in run.stderr
    assert ctl.run('import', '/').returncode == 1


# -- second factors ---------------------------------------------------------------------

SEED = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
FACTORS = {'totp': {'config': {'totp_url': f'otpauth://totp/Site:ana?algorithm=SHA1&digits=6&issuer=Site&period=30&secret={SEED}'}},
           'lookup_secret': {'config': {'recovery_codes': [{'code': 'ab12cd34'}, {'code': 'ef56gh78', 'used_at': '2026-01-01T00:00:00Z'}]}}}


@pytest.fixture(scope='module')
def strong(request, database):
    """Two servers where people have second factors."""
    from conftest import end, start
    methods = {'totp': {'enabled': True}, 'lookup_secret': {'enabled': True}}
    servers = [start(request, database, {'identity': {'schemas': schema()}, 'selfservice': {'methods': methods}}, clock=True) for _ in range(2)]
    yield servers
    for server in servers:
        end(server)


def test_second_factors_come_in_as_kratos_keeps_them_and_are_good_once(strong):
    server, email = strong[0], new_email()
    server.ctl('import', '-', input=lines(person(email, credentials=hashed(BCRYPT) | FACTORS)))
    clients = [server.native() for _ in range(3)]
    for client in clients:
        client.login(email, 'U*U').must(200)
        assert client.whoami().status == 403, 'the second factor is asked for'
    app = App(server, SEED)
    step_up(clients[0], app.code()).must(200)
    use_code(clients[1], 'AB12 CD34').must(200)
    assert [level(c) for c in clients] == ['aal2', 'aal2', 403]
    for used in ('ab12cd34', 'ef56gh78'):
        use_code(clients[2], used).must(400)
    assert server.ctl.json('identity', 'factors', email)[-1].get('codes_left', 0) == 0
    rows = str(server.sql('SELECT config FROM identity_credentials'))
    assert 'totp_url' in rows and SEED not in rows and 'ab12cd34' not in rows


def test_an_app_goes_out_and_in_again_and_recovery_codes_stay(strong):
    old, new = strong
    email = new_email()
    old.ctl('import', '-', input=lines(person(email, credentials=hashed(BCRYPT) | FACTORS)))
    bare = old.ctl('export')
    run = old.ctl.run('export', '--with-credentials')
    own = next(ln for ln in run.stdout.splitlines() if email in ln)
    assert SEED not in bare and set(json.loads(own)['credentials']) == {'password', 'totp'}
    assert 'not part of it' in run.stderr and 'ab12cd34' not in run.stdout
    new.ctl('import', '-', input=own)
    client = new.native()
    client.login(email, 'U*U').must(200)
    step_up(client, App(new, SEED).code()).must(200)


@pytest.mark.parametrize('wrong, said', [
    ({'totp': {'config': {'totp_url': SEED}}}, 'credentials.totp.config.totp_url'),
    ({'totp': {'config': {}}}, 'credentials.totp.config.totp_url'),
    ({'totp': None}, 'credentials.totp.config.totp_url'),
    ({'lookup_secret': {'config': {'recovery_codes': []}}}, 'credentials.lookup_secret.config.recovery_codes'),
    ({'lookup_secret': {'config': {'recovery_codes': [{'code': 'a b'}]}}}, 'recovery_codes[0].code'),
])
def test_a_factor_that_is_none_is_refused_in_words(strong, wrong, said):
    email = new_email()
    run = strong[0].ctl.run('import', '-', input=lines(person(email, credentials=hashed(BCRYPT) | wrong)))
    assert run.returncode == 1 and 'line 1: ' in run.stderr and said in run.stderr
    assert strong[0].ctl.run('identity', 'get', email).returncode == 3


# -- keys --------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def keyed(request, database):
    """Two servers of one site, where people have security keys and passkeys."""
    from conftest import end, start
    servers = [start(request, database, merge(passkeys(), security_keys())) for _ in range(2)]
    yield servers
    for server in servers:
        end(server)


def bare(credentials):
    """Rows as Kratos' own: no handle beside each key, identifiers beside the config, and members that are not known here."""
    for credential in credentials.values():
        credential |= {'identifiers': ['whatever'], 'version': 1}
        for key in credential['config'].get('credentials', []):
            key.pop('user_handle', None)
            key['attestation'] = {'x': 1}
    return credentials


@pytest.mark.parametrize('keep_ids', [True, False])
@pytest.mark.parametrize('shape', [lambda c: c, bare], ids=['ours', 'as in Kratos'])
def test_keys_go_out_and_in_again_and_sign_their_people_in(keyed, shape, keep_ids):
    old, new = keyed
    client, passkey, key = old.ajax(), Key(), Key()
    sign_up(client, passkey)
    add_key(client, key, name='Blue <b>').must(200)
    own = json.loads(next(ln for ln in old.ctl('export', '--with-credentials').splitlines() if client.email in ln))
    assert set(own['credentials']) == {'passkey', 'webauthn'}
    own['credentials'] = shape(own['credentials'])
    new.ctl('import', '-', *(['--keep-ids'] if keep_ids else []), input=lines(own))
    assert len(stored(new, client.email)) == len(stored(new, client.email, 'webauthn')) == 1
    assert stored(new, client.email, 'webauthn')[0]['display_name'] == 'Blue <b>'
    there = new.ajax()
    sign_in(there, passkey).must(200)
    tap(there, key).must(200)
    assert there.session()['authenticator_assurance_level'] == 'aal2'
    assert new.ctl.run('import', '-', input=lines(own)).returncode == 1, 'it is there already'
    other = person(new_email(), credentials={'passkey': own['credentials']['passkey']})
    run = new.ctl.run('import', '-', input=lines(other))
    assert run.returncode == 1 and 'already' in run.stderr, "a key is one account's"


GOOD_KEY = b64(cbor(Key().key.cose()))
NOT_ON_CURVE = b64(cbor(Key().key.cose() | {-2: bytes(32)}))


def spoilt(path, value):
    """One key with one thing wrong."""
    key = {'id': b64(b'id'), 'public_key': GOOD_KEY, 'is_passwordless': True}
    config = {'credentials': [key], 'user_handle': b64(b'handle')}
    at = config if path in config else key
    if path.startswith('authenticator.'):
        key['authenticator'] = {path.split('.')[1]: value}
    else:
        at[path] = value
    return config


@pytest.mark.parametrize('path, value, said', [
    ('credentials', [], '.credentials: a list'), ('credentials', [{}] * 41, '.credentials: a list'), ('credentials', 'x', '.credentials: a list'),
    ('credentials', [None], '[0].id'), ('id', '', '[0].id'), ('id', '!', '[0].id'), ('id', b64(bytes(1024)), '[0].id'), ('id', 5, '[0].id'),
    ('public_key', None, '[0].public_key'), ('public_key', b64(b'no key'), '[0].public_key'), pytest.param('public_key', NOT_ON_CURVE, '[0].public_key', id='not on the curve'),
    pytest.param('public_key', GOOD_KEY[:-4], '[0].public_key', id='a key that is cut off'), ('is_passwordless', 'yes', '[0].is_passwordless'),
    ('authenticator.sign_count', -1, 'sign_count'), ('authenticator.sign_count', 2**32, 'sign_count'), ('authenticator.sign_count', '1', 'sign_count'),
    ('authenticator.aaguid', b64(bytes(15)), 'aaguid'), ('authenticator.clone_warning', 1, 'clone_warning'),
    ('display_name', 'x' * 101, '[0].display_name'), ('added_at', 'soon', '[0].added_at'), ('transport', ['x' * 33], '[0].transport'),
    ('flags', {'user_present': 1}, '[0].flags'), ('user_handle', '', 'user_handle'), ('user_handle', b64(bytes(65)), 'user_handle'),
    ('user_handle', None, 'user_handle'),
    ('credentials', [{'id': b64(b'a'), 'public_key': GOOD_KEY}] * 2, '[1].id: it is there already'),
])
def test_a_key_that_is_none_is_refused_in_words(keyed, path, value, said):
    email = new_email()
    run = keyed[0].ctl.run('import', '-', input=lines(person(email, credentials={'passkey': {'config': spoilt(path, value)}})))
    assert run.returncode == 1 and 'credentials.passkey.config' in run.stderr and said in run.stderr, run.stderr
    assert keyed[0].ctl.run('identity', 'get', email).returncode == 3


def test_a_key_without_a_name_of_the_account_is_no_first_factor(site, ctl):
    key = {'credentials': [{'id': b64(b'a key of its own'), 'public_key': GOOD_KEY, 'is_passwordless': True}]}
    run = ctl.run('import', '-', input=lines(person(new_email(), credentials={'webauthn': {'config': key}})))
    assert run.returncode == 1 and 'no trait names the account' in run.stderr
    key['credentials'][0]['is_passwordless'] = False
    assert ctl('import', '-', input=lines(person(new_email(), credentials={'webauthn': {'config': key}}))).startswith('1 imported')


# -- export ---------------------------------------------------------------------------


def test_an_export_goes_into_an_empty_realm_and_people_sign_in_there(request, database):
    from conftest import end, start
    sites = [start(request, database, {'identity': {'schemas': schema()}}) for _ in range(2)]
    old, new = sites
    email = new_email()
    old.native().register(email, name='Ana <é>').must(200)
    old.ctl('import', '-', input=lines(*[person(new_email(), credentials=hashed(BCRYPT), metadata_admin=n) for n in range(450)]))
    bare = old.ctl('export')
    assert len(bare.splitlines()) == 451 and '$' not in bare.replace(BCRYPT, '$'), 'no hash unless it is asked for'
    text = old.ctl('export', '--with-credentials')
    assert new.ctl('import', '-', '--keep-ids', input=text) == '451 imported, 0 skipped, 0 failed\n'
    assert new.ctl('export', '--with-credentials') == text
    session = new.native().login(email).must(200).json['session']
    assert session['identity']['traits'] == {'email': email, 'name': 'Ana <é>'}
    assert session['identity']['id'] in text
    for site in sites:
        end(site)


def test_what_is_exported_can_be_imported_into_another_realm_of_the_same_database(site, ctl):
    email = new_email()
    ctl.create(email, PASSWORD)
    own = next(ln for ln in ctl('export', '--with-credentials').splitlines() if email in ln)
    other = Ctl(site, realm='other')
    assert other('import', '-', input=own).startswith('1 imported')
    assert other.json('identity', 'get', email)[0]['id'] != json.loads(own)['id']
    assert other.run('import', '-', '--keep-ids', input=own).returncode == 1, 'the id is taken'


def test_a_reader_that_goes_away_is_no_success(ctl):
    ctl.create(new_email())
    command = [f'{OUT}/kratosctl', 'export', *map(str, ctl.options)]
    with open('/dev/full', 'w') as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert run.returncode == 1 and 'could not be written' in run.stderr


def test_an_import_leaves_the_server_serving(site, ctl):
    command = [f'{OUT}/kratosctl', 'import', '-', *map(str, ctl.options)]
    mark = new_email('busy').split('@')[0]
    text = lines(*[person(f'{mark}.{n}@example.org', credentials=hashed(BCRYPT)) for n in range(5000)])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        run.stdin.write(text)
        run.stdin.close()
        served = 0
        while run.poll() is None or not served:
            site.native().register(new_email()).must(200)
            served += 1
        assert run.stdout.read() == '5000 imported, 0 skipped, 0 failed\n'
