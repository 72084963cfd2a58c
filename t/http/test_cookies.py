# SPDX-License-Identifier: Apache-2.0
"""Cookies across sites: one realm for many hosts, several realms in one browser, names, flags and paths that browsers insist on."""
import shutil

import pytest

from lib import settings
from lib.clients import new_email
from lib.serving import free_port, scratch
from lib.settings import merge, nested
from lib.strict import StrictBrowser

LOGIN, WWW, APP = 'https://login.example.test', 'https://www.example.test', 'https://app.example.test'


def gate_host(port, name, realm='main'):
    """A guarded virtual host on the public port: what it serves is its own name."""
    return f'''
<VirtualHost 127.0.0.1:{port}>
    ServerName {name}
    KratosRealm {realm}
    KratosTrustForwarded On
    DocumentRoot @ROOT@
    <Directory @ROOT@>
        Require kratos-session
    </Directory>
</VirtualHost>
'''


PROXIED = 'ServerAlias login.example.test\nKratosTrustForwarded On\n'


@pytest.fixture
def world(serve):
    """world(changes) is a server with the API at LOGIN, its pages below /ui, and the guarded sites WWW and APP."""
    folders = []

    def make(changes=None, extra='', hosts=('www.example.test', 'app.example.test', 'example.com'), more=''):
        port, root = free_port(), scratch('sites')
        folders.append(root)
        (root / 'index.html').write_text('inside')
        tree = merge({
            'serve': {'public': {'base_url': LOGIN + '/'}},
            'cookies': {'secure': True},
            'session': {'cookie': {'domain': 'example.test'}},
            'selfservice': {
                'default_browser_return_url': LOGIN + '/ui/welcome', 'allowed_return_urls': [WWW, APP, LOGIN],
                'flows': {name: {'ui_url': f'{LOGIN}/ui/{name}'} for name in ('login', 'registration', 'settings', 'error')},
            },
        }, changes or {})
        lines = ''.join(gate_host(port, name) for name in hosts).replace('@ROOT@', str(root)) + more
        server = serve(tree, port=port, flags=['ui'], lines={'global': lines, 'extra': PROXIED + extra})
        server.person = lambda: StrictBrowser(port)
        return server

    yield make
    for folder in folders:
        shutil.rmtree(folder)


# -- one realm, many hosts ---------------------------------------------------------------------


def test_one_sign_in_opens_every_host_of_the_domain(world):
    server, email = world(), new_email()
    server.person().register(LOGIN, email)
    person = server.person()
    page = person.go(WWW + '/')
    assert page.url.startswith(LOGIN + '/ui/login?flow=')
    inside = person.sign_in(page, email)
    assert (inside.url, inside.status, inside.body) == (WWW + '/', 200, b'inside')
    assert person.go(APP + '/').body == b'inside'
    assert person.whoami(LOGIN).status == 200
    assert not person.refused


def test_a_sign_out_closes_every_host(world):
    server, person = world(), None
    person = server.person()
    person.register(LOGIN, new_email())
    assert person.go(WWW + '/').body == b'inside'
    url = person.ask(LOGIN + '/self-service/logout/browser', accept='application/json').json['logout_url']
    person.go(url)
    assert person.go(WWW + '/').url.startswith(LOGIN + '/ui/login')
    assert person.go(APP + '/').url.startswith(LOGIN + '/ui/login')
    assert not [name for name, *_ in person.jar if name == 'ory_kratos_session']


def test_a_host_of_another_domain_never_sees_the_cookie(world):
    server = world()
    person = server.person()
    person.register(LOGIN, new_email())
    for host in ('example.com', 'notexample.test', 'example.test.evil.test'):
        assert not person.cookies_for(f'https://{host}/')
    assert person.ask('https://example.com/').status == 303      # the same realm guards it, and cannot know who comes


def test_without_a_domain_the_cookie_is_of_one_host_only(world):
    server = world(nested('session.cookie.domain', None))
    person = server.person()
    person.register(LOGIN, new_email())
    assert person.whoami(LOGIN).status == 200
    assert 'ory_kratos_session' not in dict(person.cookies_for(WWW + '/'))


def test_a_cookie_from_before_the_domain_was_set_shuts_nobody_out(world):
    """The browser keeps the old one for the host alone and sends it first. It is dead; the new one counts."""
    server = world()
    person = server.person()
    person.register(LOGIN, new_email())
    old = person.jar.pop(next(key for key in person.jar if key[0] == 'ory_kratos_session'))
    person.go(LOGIN + '/self-service/logout?token=none')
    stale = server.person()
    stale.jar[('ory_kratos_session', 'login.example.test', True, '/')] = old
    token = stale.ask(LOGIN + '/self-service/logout/browser', accept='application/json').json['logout_url']
    kept = dict(stale.jar)
    stale.go(token)
    stale.jar |= {key: value for key, value in kept.items() if key[0] == 'ory_kratos_session'}      # it was not the one deleted
    assert stale.whoami(LOGIN).status == 401
    stale.register(LOGIN, new_email())
    assert [name for name, _ in stale.cookies_for(LOGIN + '/')].count('ory_kratos_session') == 2
    assert stale.whoami(LOGIN).status == 200
    assert stale.go(WWW + '/').body == b'inside'


def test_an_anti_csrf_cookie_from_before_the_domain_was_set_stops_nobody(world):
    server = world(nested('cookies.domain', 'example.test'))
    person, email = server.person(), new_email()
    page = person.go(LOGIN + '/self-service/registration/browser')
    name = next(key[0] for key in person.jar if key[0].startswith('csrf_token'))
    old = server.person()
    old.go(LOGIN + '/self-service/registration/browser')
    person.jar = {(name, 'login.example.test', True, '/'): next(v for k, v in old.jar.items() if k[0] == name), **person.jar}
    page = person.go(LOGIN + '/self-service/registration/browser')
    answer = person.submit(page, 'registration', **{'traits.email': email, 'password': 'correct-Horse-battery-9'})
    assert person.whoami(LOGIN).status == 200, answer.body


# -- several realms ------------------------------------------------------------------------------


@pytest.fixture
def two(world, request):
    """The realms main, at LOGIN, and blue, at https://login.example.test/blue: one host, one browser."""
    folder = scratch('blue')
    tree = settings.base(1)
    blue = merge(tree, {
        'serve': {'public': {'base_url': LOGIN + '/blue/'}}, 'cookies': {'secure': True},
        'session': {'cookie': {'name': 'blue_session', 'domain': 'example.test'}},
        'selfservice': {'default_browser_return_url': LOGIN + '/', 'allowed_return_urls': [LOGIN],
                        'flows': {n: {'ui_url': f'{LOGIN}/blue/ui/{n}'} for n in ('login', 'registration', 'settings', 'error')}},
    })
    settings.write(folder, blue)
    shutil.chown(folder, 'www-data', 'www-data')
    port = free_port()
    home = f'''
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    ServerName blue.home.test
    KratosRealm blue
    KratosDatabase sqlite3 {folder}/blue.sqlite
    KratosConfig {folder}/kratos.yml
</VirtualHost>
'''
    extra = '''
<Location "/blue">
    KratosRealm blue
    SetHandler kratos
</Location>
<Location "/blue/ui">
    SetHandler kratos-ui
</Location>
'''
    yield world(extra=extra, more=home)
    shutil.rmtree(folder)


def test_two_realms_on_one_host_know_each_their_own(two):
    person, red, blue = two.person(), new_email(), new_email()
    person.register(LOGIN, red)
    assert person.whoami(LOGIN + '/blue').status == 401
    person.register(LOGIN + '/blue', blue)
    assert person.whoami(LOGIN).json['identity']['traits']['email'] == red
    assert person.whoami(LOGIN + '/blue').json['identity']['traits']['email'] == blue
    names = {name for name, _ in person.cookies_for(LOGIN + '/blue/')}
    assert {'ory_kratos_session', 'blue_session'} <= names and len([n for n in names if n.startswith('csrf_token')]) == 2


def test_a_sign_out_of_one_realm_leaves_the_other(two):
    person = two.person()
    person.register(LOGIN, new_email())
    person.register(LOGIN + '/blue', new_email())
    person.go(person.ask(LOGIN + '/blue/self-service/logout/browser', accept='application/json').json['logout_url'])
    assert person.whoami(LOGIN + '/blue').status == 401
    assert person.whoami(LOGIN).status == 200


def test_a_cookie_under_the_name_of_the_other_realm_opens_nothing(two):
    person = two.person()
    person.register(LOGIN, new_email())
    key, value = next((k, v) for k, v in person.jar.items() if k[0] == 'ory_kratos_session')
    person.jar[('blue_session', *key[1:])] = value
    assert person.whoami(LOGIN + '/blue').status == 401
    assert person.go(WWW + '/').body == b'inside'                # and does no harm where it belongs


# -- names, flags, paths ---------------------------------------------------------------------------


def set_cookie(answer, name):
    return next(line for line in answer.headers.get_all('Set-Cookie') if line.startswith(name + '='))


def attributes(line):
    return {part.strip() for part in line.split(';')[1:]} - {''}


def test_a_host_cookie_signs_in(world):
    server = world({'session': {'cookie': {'name': '__Host-session', 'domain': None}}})
    person = server.person()
    person.register(LOGIN, new_email())
    assert not person.refused and person.whoami(LOGIN).status == 200
    assert ('__Host-session', 'login.example.test', True, '/') in person.jar


def test_a_secure_cookie_may_have_a_domain(world):
    server = world({'session': {'cookie': {'name': '__Secure-session'}}})
    person = server.person()
    person.register(LOGIN, new_email())
    assert not person.refused and person.go(APP + '/').body == b'inside'


def test_a_secure_cookie_does_not_travel_without_tls(world):
    server = world()
    person = server.person()
    person.register(LOGIN, new_email())
    assert person.go(WWW + '/').body == b'inside'
    assert not person.cookies_for('http://www.example.test/')


@pytest.mark.parametrize('same_site', ['Strict', 'Lax', 'None'])
def test_same_site_says_which_links_arrive_signed_in(world, same_site):
    server = world({'session': {'cookie': {'same_site': same_site}}})
    person = server.person()
    person.register(LOGIN, new_email())
    name = 'ory_kratos_session'
    link = person.ask(WWW + '/', origin='elsewhere.test')
    post = person.ask(WWW + '/', form={}, origin='elsewhere.test')
    assert (name in link.sent, name in post.sent) == {'Strict': (0, 0), 'Lax': (1, 0), 'None': (1, 1)}[same_site]
    assert link.status == (303 if same_site == 'Strict' else 200)
    assert person.ask(APP + '/', origin='www.example.test').status == 200      # hosts of one domain are no strangers
    assert not person.refused


def test_a_path_keeps_the_cookie_from_the_rest_of_the_host(world):
    root = scratch('members')
    (root / 'index.html').write_text('members')
    extra = f'''
Alias "/members/area" "{root}"
<Directory "{root}">
    Require kratos-session
</Directory>
<Location "/members/area">
    SetHandler none
    Require kratos-session
</Location>
<Location "/members/auth/ui">
    SetHandler kratos-ui
</Location>
'''
    server = world({
        'serve': {'public': {'base_url': LOGIN + '/members/auth/'}},
        'session': {'cookie': {'domain': None, 'path': '/members'}},
        'selfservice': {'default_browser_return_url': LOGIN + '/members/auth/ui/welcome',
                        'flows': {n: {'ui_url': f'{LOGIN}/members/auth/ui/{n}'} for n in ('login', 'registration', 'settings', 'error')}},
    }, extra=extra)
    person = server.person()
    person.register(LOGIN + '/members/auth', new_email())
    assert person.go(LOGIN + '/members/area/').body == b'members'
    assert 'ory_kratos_session' not in dict(person.cookies_for(LOGIN + '/'))
    assert person.whoami(LOGIN + '/members/auth').status == 200
    shutil.rmtree(root)


def test_the_cookie_is_deleted_with_the_attributes_it_was_set_with(world):
    server = world({'session': {'cookie': {'name': '__Secure-s', 'same_site': 'Strict'}}})
    person = server.person()
    page = person.go(LOGIN + '/self-service/registration/browser')
    flow = page.url.partition('flow=')[2]
    ui = person.ask(f'{LOGIN}/self-service/registration/flows?id={flow}', accept='application/json').json['ui']
    token = next(n['attributes']['value'] for n in ui['nodes'] if n['attributes'].get('name') == 'csrf_token')
    made = set_cookie(person.ask(ui['action'], {'csrf_token': token, 'method': 'password', 'traits.email': new_email(),
                                                'password': 'correct-Horse-battery-9'}), '__Secure-s')
    out = person.ask(person.ask(LOGIN + '/self-service/logout/browser', accept='application/json').json['logout_url'])
    ended = set_cookie(out, '__Secure-s')
    keep = {'Secure', 'HttpOnly', 'SameSite=Strict', 'Domain=example.test', 'Path=/'}
    assert keep <= attributes(made) and keep <= attributes(ended) and 'Max-Age=0' in attributes(ended)
