# SPDX-License-Identifier: Apache-2.0
"""What a page of docs/howto guards is guarded on every port that httpd listens on, under every name, beside what Debian brings along."""
import contextlib
import http.client
import ssl

import pytest

from lib.backends import Http
from lib.pages import Guide
from lib.serving import ROOT

PRIVATE = 'private words'
# Of each page: the files that it guards, by the names that it gives them; and what a stranger would ask for.
GUARDED = {
    'static-site.md': {'/var/www/html/index.html': '/', '/var/www/html/reports/2026.txt': '/reports/2026.txt'},
    'php.md': {'/var/www/app/members/notes.txt': '/members/notes.txt'},
    'from-htpasswd.md': {'/var/www/html/members/index.html': '/members/', '/var/www/html/board/index.html': '/board/'},
    'from-mod-auth-form.md': {'/var/www/html/members/index.html': '/members/'},
    'load-balancer.md': {'/var/www/html/index.html': '/'},
    'own-login-app.md': {'/var/www/html/members/index.html': '/members/'},
    'many-tenants.md': {'/var/www/one/index.html': '/', '/var/www/two/index.html': '/'},
    'roles.md': {f'/var/www/html/{place}/index.html': f'/{place}/' for place in ('admin', 'editors', 'staff')},
    'admin-area.md': {f'/var/www/html{place}index.html': place for place in ('/', '/admin/', '/admin/payout/')},
    'fedcm.md': {'/var/www/two/index.html': '/'},
    'social.md': {'/var/www/html/index.html': '/'},
    'web-hooks.md': {'/var/www/html/index.html': '/'},
    'proxied-app.md': {None: '/'},
}
NAMES = ['www.example.org', 'example.org', 'shop.example.com', 'one.example.org', 'two.example.org', 'localhost', '127.0.0.1', 'elsewhere.example.net', '']


def get(port, tls, name, path):
    """What a stranger gets by a GET; "" where that port does not speak so."""
    if tls:
        connection = http.client.HTTPSConnection('127.0.0.1', port, context=ssl._create_unverified_context(), timeout=20)
    else:
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.putrequest('GET', path, skip_host=True)
        connection.putheader('Host', name)
        connection.endheaders()
        return connection.getresponse().read().decode('utf-8', 'replace')
    return ''


def ways_in(it, paths):
    """Every way on which somebody without a session gets to see what is private."""
    assert all(get(it.plain_port, False, name, path) for name in NAMES for path in paths), 'it answers'
    return [(port, tls, name, path) for port in (it.port, it.plain_port) for tls in (True, False) for name in NAMES for path in paths
            if PRIVATE in get(port, tls, name, path)]


def files_of(page):
    return {file: PRIVATE for file in GUARDED[page] if file}


@pytest.fixture
def app():
    app = Http(lambda name: PRIVATE)
    yield app
    app.close()


def test_no_page_is_forgotten():
    pages = {p.name for p in (ROOT / 'docs' / 'howto').glob('*.md') if '## See that it works' in p.read_text()}
    assert pages == set(GUARDED)


@pytest.mark.parametrize('page', GUARDED)
def test_nothing_private_comes_through_another_port(machine, app, page):
    swap = [('host=db.example.org user=kratos dbname=kratos group=kratos', 'host=127.0.0.1 port=9 user=kratos dbname=kratos'),
            ('/run/php/php-fpm.sock', '/tmp/php-fpm.sock'), ('127.0.0.1:3000', f'127.0.0.1:{app.port}')]
    guide = Guide(f'docs/howto/{page}')
    sites = {'node': guide.all('apache')[0]} if page == 'load-balancer.md' else None
    it = machine(guide, sites=sites, swap=swap, files=files_of(page))
    it.expect_log('KR|AH01630|AH01071|AH01079')
    assert ways_in(it, set(GUARDED[page].values())) == []


def test_it_would_without_what_the_pages_say_about_debians_own_site(machine):
    """The test above sees an open door when there is one."""
    it = machine(Guide('docs/howto/static-site.md'), files=files_of('static-site.md'), start=False)
    it.enable('site', '000-default')
    assert (it.plain_port, False, '127.0.0.1', '/reports/2026.txt') in ways_in(it.start(), {'/reports/2026.txt'})
