# SPDX-License-Identifier: Apache-2.0
"""Sessions as signed tokens (whoami?tokenize_as=NAME): what is in them, who can check them, and what cannot make any."""
import json
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.clients import new_email
from lib.factors import FACTORS
from lib.ctl import kratosctl
from lib.pages import Guide
from lib.serving import children, wait_for
from lib.settings import inline, merge, nested
from lib.tokens import checked, key, public

pytestmark = pytest.mark.rules
ALGS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'HS256', 'HS384', 'HS512']
OLD, NEW = key('ES256', 'old'), key('ES256', 'new')
OVERRIDES = '''local session = std.extVar('session'), claims = std.extVar('claims');
{ claims: { sub: 'somebody else', sid: null, exp: claims.exp + 3600, roles: ['a', { b: 1.5 }], who: session.identity.traits.email,
            was: claims, shown: std.objectFields(session) } }'''
ENDLESS = 'local f(n) = if n < 0 then {} else f(n + 1) tailstrict; { claims: f(0) }'


def template(*keys, mapper=None, **more):
    return {'ttl': '1m', 'jwks_url': inline({'keys': list(keys)}), **more} | ({'claims_mapper_url': inline(mapper)} if mapper else {})


# Mappers, and what the log says of them.
MAPPERS = {
    'error': ("error 'a word for the log'", 'a word for the log'), 'no object': ('[1]', 'makes no object'),
    'no claims': ('{ sub: 1 }', 'makes no object'), 'a list': ('{ claims: [1] }', 'makes no object'), 'endless': (ENDLESS, 'takes too long'),
    'memory': ('{ claims: { a: std.range(1, 1e9) } }', 'needs too much memory'), 'depth': ('local f(n) = { a: f(n) }; { claims: f(0) }', 'stack'),
    'variable': ("{ claims: std.extVar('secrets') }", 'undefined external variable'),
    'large': ("{ claims: { a: std.foldl(function(s, n) s + s, std.range(1, 21), 'a') } }", 'more than 1 MiB'),
}
KEYS = {
    'none': [], 'no alg': [key('RS256', alg=None)], 'another alg': [key('ES256', alg='EdDSA')], 'none alg': [key('HS256', alg='none')],
    'another type': [key('HS256', alg='RS256')], 'confused': [key('RS256', alg='HS256')], 'another curve': [key('ES512', alg='ES256')],
    'public': [public(key('ES256')), key('RS256')], 'halves': [key('ES256') | {'d': key('ES256', 'other')['d']}],
}
TEMPLATES = {
    'shop': template(key('ES256')), 'mapped': template(key('ES256'), mapper=OVERRIDES),
    'external': template(key('ES256'), subject_source='external_id', mapper="{ claims: { sub: 'me' } }"),
    'before': template(OLD, NEW), 'after': template(NEW, public(OLD)), 'single': template() | {'jwks_url': inline(key('ES384'))},
    **{alg: template(key(alg)) for alg in ALGS},
    **{f'mapper {name}': template(key('ES256'), mapper=text) for name, (text, _) in MAPPERS.items()},
    **{f'keys {name}': template(*keys) for name, keys in KEYS.items()},
}


@pytest.fixture(scope='module')
def server(request, database):
    from conftest import end, start
    server = start(request, database, merge(nested('session.whoami.tokenizer.templates', TEMPLATES),
                                            nested('feature_flags.cacheable_sessions', True)))
    yield server
    end(server)


@pytest.fixture
def client(server, request):
    client = server.client(getattr(request, 'param', 'native'))
    client.register(new_email()).must(200, 303)
    return client


def asked(client, name, **kw):
    return client.whoami(query={'tokenize_as': name}, **kw)


def published(server, name=None):
    answer = server.native().get('/.well-known/jwks.json', {'tokenize_as': name} if name else None).must(200)
    assert answer.header('Cache-Control') == 'public, max-age=300' and answer.header('Set-Cookie') is None
    return answer.json['keys']


def kids(keys):
    return [jwk['kid'] for jwk in keys]


# -- tokens ------------------------------------------------------------------------

@pytest.mark.parametrize('alg', ALGS)
def test_a_token_of_each_algorithm_is_checked_by_others(server, client, alg):
    session = asked(client, alg).must(200).json
    keys = [key(alg)] if alg.startswith('HS') else published(server, alg)
    head, claims = checked(session.pop('tokenized'), keys)
    assert head == {'alg': alg, 'kid': alg.lower(), 'typ': 'JWT'}
    assert claims.pop('iat') == claims.pop('nbf') == claims.pop('exp') - 60
    assert claims.pop('jti') and claims == {'iss': server.url + '/', 'sub': session['identity']['id'], 'sid': session['id']}
    assert session == client.session()


def test_each_token_is_another_one(client):
    tokens = [checked(asked(client, 'shop').must(200).json['tokenized'], [key('ES256')])[1]['jti'] for _ in range(3)]
    assert len(set(tokens)) == 3


@pytest.mark.san
@pytest.mark.parametrize('client', ['browser', 'ajax', 'native'], indirect=True)
def test_the_mapper_makes_all_claims_but_the_subject(client):
    answer = asked(client, 'mapped').must(200).json
    claims = checked(answer['tokenized'], [key('ES256')])[1]
    session = client.session()
    assert claims['sub'] == session['identity']['id'] and claims['sid'] is None and claims['jti']
    assert claims['exp'] == claims['was']['exp'] + 3600 and claims['roles'] == ['a', {'b': 1.5}]
    assert claims['who'] == session['identity']['traits']['email'] and claims['shown'] == sorted(session)
    assert claims['was'] == {'sub': claims['sub'], 'sid': session['id'], **{k: claims[k] for k in ('jti', 'iss', 'iat', 'nbf')},
                             'exp': claims['iat'] + 60}


def test_the_subject_may_be_what_another_system_calls_the_account(server, client):
    assert asked(client, 'external').status == 400
    email, password = new_email(), 'correct-Horse-battery-9'
    server.ctl('import', '-', input=json.dumps({'schema_id': 'person', 'traits': {'email': email}, 'external_id': 'customer/7',
                                           'credentials': {'password': {'config': {'password': password}}}}))
    known = server.native()
    known.login(email, password).must(200)
    assert checked(asked(known, 'external').must(200).json['tokenized'], [key('ES256')])[1]['sub'] == 'customer/7'


@pytest.mark.parametrize('method', ['HEAD', 'POST', 'PUT', 'PATCH'])
def test_every_way_to_ask_makes_one(client, method):
    answer = client.request(method, '/sessions/whoami', query={'tokenize_as': 'shop'}).must(200)
    assert answer.header('X-Kratos-Authenticated-Identity-Id')
    assert method == 'HEAD' or answer.json['tokenized']
    assert client.request(method, '/sessions/whoami', query={'tokenize_as': 'unknown'}).status == 400


def test_an_answer_with_a_token_is_not_kept(client):
    assert int(client.whoami().header('Ory-Session-Cache-For')) > 0
    assert int(asked(client, '').must(200).header('Ory-Session-Cache-For')) > 0
    assert asked(client, 'shop').must(200).header('Ory-Session-Cache-For') is None
    assert 'tokenized' not in asked(client, '').json


def test_the_token_comes_by_bearer_and_not_without_a_session(server, client):
    nobody = server.native()
    assert asked(nobody, 'shop', headers={'Authorization': f'Bearer {client.token}'}).must(200).json['tokenized']
    for name in ('shop', 'unknown', 'keys none'):
        assert asked(nobody, name).status == 401


def test_who_has_not_shown_the_second_factor_gets_no_token(serve):
    from lib.factors import enrol, step_up
    server = serve(merge(FACTORS, nested('session.whoami', {'required_aal': 'highest_available', 'tokenizer': {'templates': TEMPLATES}})), clock=True)
    email = new_email()
    client = server.ajax()
    client.register(email).must(200)
    app = enrol(server, client)
    again = server.ajax()
    again.login(email)
    for name in ('shop', 'unknown', 'mapper error'):
        assert asked(again, name).must(403).json['error']['id'] == 'session_aal2_required'
    step_up(again, app.next()).must(200)
    assert asked(again, 'shop').must(200).json['authenticator_assurance_level'] == 'aal2'


# -- what makes none ----------------------------------------------------------------

@pytest.mark.parametrize('name', [f'mapper {name}' for name in MAPPERS] + [f'keys {name}' for name in KEYS] + ['unknown', 'shop.ttl', '../shop'])
def test_what_cannot_make_a_token_is_refused_and_the_session_is_as_before(server, client, name):
    answer = asked(client, name).must(400)
    assert answer.header('X-Kratos-Authenticated-Identity-Id') is None
    client.session()
    if name in TEMPLATES:
        line, = [line for line in server.log().splitlines() if f'no token "{name}": ' in line]
        _, word = MAPPERS.get(name.removeprefix('mapper '), ('', 'the first key'))
        assert word in line and 'a word for the log' not in answer.body.decode()


@pytest.mark.parametrize('mpm', ['event', 'prefork'])
def test_a_mapper_without_end_holds_up_nobody_else(serve_sqlite, mpm):
    """There is one connection in a process, and it is free meanwhile; nothing is left behind."""
    templates = {name: TEMPLATES[name] for name in ('mapped', 'mapper endless')}
    server = serve_sqlite(nested('session.whoami.tokenizer.templates', templates), mpm=mpm, lines={'global': 'KratosDatabasePool 1 1 1 300\n'})
    client, other = server.native(), server.native()
    client.register(new_email()).must(200)
    other.token = client.token
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(asked, other, 'mapper endless')
        for _ in range(20):
            client.session()
        assert not slow.done()
        assert asked(client, 'mapped').must(200).json['tokenized']
        assert slow.result().status == 400
    assert not [pid for pid in server.httpd()[1:] if children(pid)]


# -- keys for whoever checks ----------------------------------------------------------

def test_each_template_has_a_set_of_its_own_without_private_halves(server):
    of_applications = published(server)
    for name, made in TEMPLATES.items():
        shown = published(server, name)
        assert all(set(jwk) <= {'kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'use', 'alg'} for jwk in shown), name
        assert not any(jwk in of_applications for jwk in shown)
    assert published(server, 'shop') == [public(key('ES256'))]
    assert published(server, 'single') == [public(key('ES384'))]
    assert published(server, 'HS256') == published(server, 'keys none') == []
    assert server.native().get('/.well-known/jwks.json', {'tokenize_as': 'unknown'}).status == 404
    assert server.native().get('/.well-known/jwks.json', {'tokenize_as': ''}).must(200).json['keys'] == of_applications


def test_keys_change_and_no_token_is_refused_meanwhile(server, client):
    """The new key is published before it signs, and the old one while its tokens live."""
    before, after = published(server, 'before'), published(server, 'after')
    early, late = (asked(client, name).must(200).json['tokenized'] for name in ('before', 'after'))
    for keys in (before, after):
        assert checked(early, keys)[0]['kid'] == 'old'
        assert checked(late, keys)[0]['kid'] == 'new'


def test_the_page_about_tokens_does_what_it_says(serve_sqlite, tmp_path):
    """With its settings, its mapper and its way to a new key."""
    guide = Guide('docs/howto/tokens.md')
    (tmp_path / 'shop.jsonnet').write_text(guide.one('jsonnet'))
    file = tmp_path / 'shop.jwks'
    file.write_text(kratosctl('token-key').stdout)
    server = serve_sqlite(json.loads(json.dumps(guide.kratos['kratos.yml']).replace('/etc/kratos', str(tmp_path))))
    assert 'session.whoami' not in server.log()
    client = server.native()
    client.register(new_email()).must(200)
    old, = kids(published(server, 'shop'))

    def changed(text):
        """After that step: what is published, and who signs."""
        before = published(server, 'shop')
        file.write_text(text)
        server.proc.send_signal(signal.SIGUSR1)
        wait_for(lambda: published(server, 'shop') != before)
        keys, session = published(server, 'shop'), client.session()
        head, claims = checked(asked(client, 'shop').must(200).json['tokenized'], keys)
        assert claims['aud'] == 'https://api.example.com' and claims['aal'] == 'aal1' and claims['exp'] == claims['iat'] + 600
        assert claims['sub'] == session['identity']['id'] and claims['email'] == session['identity']['traits']['email']
        return kids(keys), head['kid']

    (_, new), signer = changed(kratosctl('token-key', '--alg', 'RS256', file).stdout)
    assert signer == old != new
    keys = json.loads(file.read_text())['keys']
    assert changed(json.dumps({'keys': keys[::-1]})) == ([new, old], new)
    assert changed(json.dumps({'keys': keys[1:]})) == ([new], new)


@pytest.mark.parametrize('args,said', [(['/nowhere'], 'No such file'), (['--alg', 'none'], '--alg is one of'), (['a', 'b'], 'usage')])
def test_no_key_is_made_by_mistake(args, said):
    run = kratosctl('token-key', *args)
    assert run.returncode and not run.stdout and said in run.stderr
