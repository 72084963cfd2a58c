# SPDX-License-Identifier: Apache-2.0
"""Nobody goes round in circles between the gate and the login: not in one tab, not in two hundred, not by mistake of an owner."""
import contextlib
import hashlib
import json
import re
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import end, start_gate
from lib.clients import PASSWORD, new_email
from lib.factors import enrol
from lib.serving import free_port, scratch, wait_for
from lib.settings import UI, base, merge, nested, write
from lib.strict import StrictBrowser

pytestmark = pytest.mark.san

# -- a gate that does not see the session ----------------------------------------------------

GATE = '''
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    {realm}
    DocumentRoot "{folder}/gate"
    <Directory "{folder}/gate">
        Require kratos-session
    </Directory>
</VirtualHost>
'''
HERE = 'KratosRealm main'
ELSEWHERE = '''
    KratosRealm other
    KratosDatabase sqlite3 "{folder}/other.sqlite"
    KratosConfig "{folder}/other/kratos.yml"
'''

MISTAKES = {        # what is wrong, and the word that says so
    'cookie not sent to the gate': dict(gate='app.example.test', settings={}, words='another domain'),
    'cookie for another domain': dict(gate='id.example.test', settings=nested('session.cookie.domain', 'example.com'),
                                      words='did not keep'),
    'cookie for https only': dict(gate='id.example.test', settings=nested('session.cookie.secure', True), words='did not keep'),
    'secrets of another realm': dict(gate='id.example.test', settings={}, words='other secrets',
                                     other=nested('secrets.cookie', ['another-cookie-secret-for-tests'])),
    'another database': dict(gate='id.example.test', settings={}, words='another database',
                             apart=True),
}


WITH_APPS = nested('selfservice.methods.totp.enabled', True)


class Site:
    """A login under one name, a gate under another (or the same), and a mistake between them."""

    def __init__(self, serve, mistake, built_in, line='', more=None):
        self.port, gate_port = free_port(), free_port()
        self.url, self.gate = f'http://id.example.test:{self.port}', f'http://{mistake["gate"]}:{gate_port}'
        self.tree = merge(base(self.port), {
            'serve': {'public': {'base_url': self.url + '/'}}, 'cookies': {'secure': False}, 'session': {'cookie': {'secure': False}},
            'selfservice': {'allowed_return_urls': [UI, self.gate]}})
        if built_in:
            self.tree['selfservice']['default_browser_return_url'] = self.url + '/'
            for flow in ('login', 'registration', 'error'):
                del self.tree['selfservice']['flows'][flow]['ui_url']
        self.tree = merge(self.tree, more or {})
        self.ui = self.url + '/ui' if built_in else UI
        self.folder, self.gate_port = scratch('loops'), gate_port
        realm = HERE
        if 'other' in mistake:
            (self.folder / 'other').mkdir(mode=0o755)
            write(self.folder / 'other', merge(self.tree, mistake['other']))
            realm = ELSEWHERE.format(folder=self.folder)
        gate = self.gate_host(realm)
        options = dict(dir=self.folder, gate=True, clock=True, flags=['ui'] if built_in else [])
        self.server = self.gate_server = serve(json.dumps(merge(self.tree, mistake['settings'])), port=self.port,
                                               lines={'global': '' if 'apart' in mistake else gate}, **options)
        if 'apart' in mistake:                  # two servers that are meant to share a database
            place = f'<Location "/">\n{line}\n</Location>\n'
            self.gate_server = serve(json.dumps(self.tree), gate=gate_port, lines={'gate_extra': place}, clock=True)
            self.gate_server.expect_log('AH0163[01]')       # httpd's own words for whom a line does not let in

    def gate_host(self, realm):
        return GATE.format(port=self.gate_port, folder=self.folder, realm=realm)

    def restart(self, server):
        former = server.httpd()[1:]
        server.proc.send_signal(signal.SIGUSR1)
        wait_for(lambda: not set(former) & set(server.httpd()) and server.ready())

    def mend(self):
        write(self.folder, merge(self.tree, nested('session.cookie.domain', 'example.test')))
        if self.gate_server is self.server:
            (self.folder / 'global.conf').write_text(self.gate_host(HERE))
        else:
            conf = self.gate_server.dir / 'httpd.conf'
            conf.write_text(conf.read_text().replace(str(self.gate_server.sqlite), str(self.server.sqlite)))
            self.restart(self.gate_server)
        self.restart(self.server)

    def sign_in(self, browser, page, email):
        """Where the form on the page of that URL leads."""
        done = browser.fill(self.url, page, 'login', identifier=email, password=PASSWORD)
        assert done.status == 303, done.body[:300]
        return done.location

    def said(self, browser, page):
        """What the error page says, and where "try again" leads."""
        if self.ui == UI:
            id = parse_qs(urlsplit(page).query)['id'][0]
            error = browser.ask(f'{self.url}/self-service/errors?id={id}', accept='application/json').json['error']
            return error['reason'], error['details']['return_to']
        text = browser.ask(page).body.decode()
        return text, next(link for link in re.findall(r'href="([^"]+)"', text) if link.startswith(self.gate))


@pytest.mark.parametrize('built_in', [False, True], ids=['own pages', 'built-in pages'])
@pytest.mark.parametrize('mistake', MISTAKES)
def test_who_is_sent_round_in_circles_is_told_why(serve_sqlite, mistake, built_in):
    site = Site(serve_sqlite, MISTAKES[mistake], built_in)
    browser, email, wanted = StrictBrowser(), new_email(), site.gate + '/index.html?a=b'
    site.server.native().register(email).must(200)
    page, _, _ = browser.follow(wanted, until=[site.ui + '/login'])
    back = site.sign_in(browser, page, email)
    assert back == wanted
    page, _, hops = browser.follow(back, until=[site.ui + '/'])
    assert page.startswith(site.ui + '/error?id=') and hops <= 8, page
    reason, again = site.said(browser, page)
    assert MISTAKES[mistake]['words'] in reason and again == wanted

    page, _, hops = browser.follow(again, until=[site.ui + '/'])      # nothing was done about it: the same again
    assert page.startswith(site.ui + ('/login' if 'did not keep' in reason else '/error?id=')) and hops <= 8, page
    site.mend()
    if not {'other', 'apart'} & set(MISTAKES[mistake]):
        browser.jar.clear()                     # the cookie has to be given anew
        page, _, _ = browser.follow(wanted, until=[site.ui + '/login'])
        assert site.sign_in(browser, page, email) == wanted
    url, answer, hops = browser.follow(again)
    assert url == wanted and answer.status == 200 and hops <= 2


# -- a gate that sees a session as it was -------------------------------------------------------

def behind(site):
    """The gate's copy of the database, made as a replica would be that gets no more news."""
    with contextlib.closing(sqlite3.connect(site.server.sqlite)) as now, contextlib.closing(sqlite3.connect(site.gate_server.sqlite)) as then:
        now.backup(then)


def grow_old(site):
    """All sign-ins are of ten minutes ago."""
    site.server.sql(f'UPDATE sessions SET authenticated_at = {int((time.time() - 600) * 1000000)}')


def confirmed(site, browser, email, wanted, **proof):
    """Somebody signs in for a place, and gives what else it asks for, at once or a moment later. Where that leads."""
    page, _, _ = browser.follow(wanted, until=[site.ui + '/login'])
    return browser.fill(site.url, page, 'login', identifier=email, password=PASSWORD, **proof).location


@pytest.mark.parametrize('built_in', [False, True], ids=['own pages', 'built-in pages'])
@pytest.mark.parametrize('line, asks', [('Require kratos-aal aal2', 'aal=aal2'), ('Require kratos-session max-age=5m', 'refresh=true')],
                         ids=['second factor', 'fresh proof'])
def test_a_copy_that_lags_behind_sends_nobody_round_in_circles(serve_sqlite, built_in, line, asks):
    site = Site(serve_sqlite, dict(gate='id.example.test', settings={}, apart=True), built_in, line, WITH_APPS)
    browser, email, wanted = StrictBrowser(), new_email(), site.gate + '/index.html?a=b'
    owner = site.server.native()
    owner.register(email).must(200)
    app = enrol(site.server, owner) if 'aal2' in asks else None
    back = confirmed(site, browser, email, wanted)
    if not app:
        grow_old(site)
    behind(site)
    page, _, _ = browser.follow(back, until=[site.ui + '/login'])           # what misses is asked for, once
    proof = {'method': 'totp', 'totp_code': app.next()} if app else {'identifier': email, 'password': PASSWORD}
    back = browser.fill(site.url, page, 'login', **proof).location
    assert back == wanted
    page, _, hops = browser.follow(back, until=[site.ui + '/'])
    assert page.startswith(site.ui + '/error?id=') and hops <= 8, page
    reason, again = site.said(browser, page)
    assert 'lags behind' in reason and again == wanted and re.search('KR0810.*lags behind', site.server.log())
    behind(site)
    url, answer, hops = browser.follow(again)
    assert url == wanted and answer.status == 200 and hops <= 2


def test_a_gate_whose_clock_is_ahead_sends_nobody_round_in_circles(serve_sqlite):
    site = Site(serve_sqlite, dict(gate='id.example.test', settings={}, apart=True), False, 'Require kratos-session max-age=5m')
    browser, email, wanted = StrictBrowser(), new_email(), site.gate + '/index.html?a=b'
    site.server.native().register(email).must(200)
    site.mend()                                                             # one database for both
    site.gate_server.clock.forward(600)
    page, _, hops = browser.follow(confirmed(site, browser, email, wanted), until=[UI + '/'])
    assert page.startswith(UI + '/error?id=') and hops <= 8, page           # nobody is asked for the password again
    reason, again = site.said(browser, page)
    assert 'clocks of the servers differ' in reason and again == wanted and re.search(r'KR0815.*\(old\).*clocks', site.server.log())
    site.gate_server.clock.forward(-600)
    url, answer, hops = browser.follow(again)
    assert url == wanted and answer.status == 200 and hops <= 2


def test_tabs_that_go_in_circles_together_are_all_told(serve_sqlite):
    site = Site(serve_sqlite, MISTAKES['cookie not sent to the gate'], False)
    browser, email = StrictBrowser(), new_email()
    site.server.native().register(email).must(200)
    page, _, _ = browser.follow(site.gate + '/', until=[UI + '/login'])
    site.sign_in(browser, page, email)
    tabs = {n: f'{site.gate}/index.html?tab={n}' for n in range(20)}
    for _ in range(8):                          # a step in each in turn
        for n, url in list(tabs.items()):
            if not url.startswith(UI):
                tabs[n] = browser.ask(url).location
    assert all(url.startswith(UI + '/error?id=') for url in tabs.values()), tabs


def test_who_signs_out_and_comes_back_is_asked_again(serve_sqlite):
    """A cookie that is missing a moment after the sign-in has a reason then."""
    site = Site(serve_sqlite, dict(gate='id.example.test', settings={}), False)
    browser, email = StrictBrowser(), new_email()
    site.server.native().register(email).must(200)
    for _ in range(3):
        page, _, _ = browser.follow(site.gate + '/', until=[UI + '/'])
        assert page.startswith(UI + '/login')
        assert browser.follow(site.sign_in(browser, page, email))[1].status == 200
        token = browser.ask(site.url + '/self-service/logout/browser', accept='application/json').json['logout_token']
        assert browser.ask(f'{site.url}/self-service/logout?token={token}').status == 303


@pytest.mark.parametrize('value', ['x', '1.', '.', '9' * 60 + '.aaaaaa1', 'NOW.aaaaaa1b', '1.aaaaaa9' * 100,
                                   f'{-2 ** 63}.MARK9', 'NOW.MARKs', 'NOW.aaaaa"9', 'NOW.aaaaaa\u00e9'.encode().decode('latin-1')])
def test_a_counter_that_somebody_made_up_counts_nothing(stale, value):
    person = stale.browser()
    person.register(new_email()).must(303)
    mark = hashlib.sha256((stale.gate + '/').encode()).hexdigest()[:6]
    person.cookies['kratos_bounce'] = value.replace('MARK', mark).replace('NOW', str(int(time.time())))
    answer = person.get('/self-service/login/browser', {'gate': 'none', 'return_to': stale.gate + '/'})
    assert answer.status == 303 and answer.location == stale.gate + '/'


# -- many tabs with a stale cookie -----------------------------------------------------------------

TABS = 200


@pytest.fixture(scope='module')
def stale(request, database):
    server = start_gate(request, database, '')
    yield server
    end(server)


def in_parallel(what, items):
    with ThreadPoolExecutor(40) as pool:
        return list(pool.map(what, items))


@pytest.mark.slow
def test_two_hundred_tabs_with_a_stale_cookie_come_back_to_where_they_were(stale):
    person, email = stale.browser(), new_email()
    stale.native().register(email).must(200)
    person.login(email).must(303)
    cookies = dict(person.cookies)
    person.logout().must(303)
    urls = [f'{stale.gate}/index.html?tab={n}&x=%2F' for n in range(TABS)]

    def tab(url, headers=None):
        browser = stale.browser()
        browser.cookies = dict(cookies)
        return browser.get(url, headers=headers)

    away = in_parallel(tab, urls)
    assert {a.status for a in away} == {303}
    assert [parse_qs(urlsplit(a.location).query)['return_to'] for a in away] == [[url] for url in urls]
    forms = in_parallel(tab, [a.location for a in away])
    assert {a.status for a in forms} == {303} and all(a.location.startswith(UI + '/login?flow=') for a in forms)

    scripts = in_parallel(lambda url: tab(url, {'Accept': '*/*', 'Sec-Fetch-Mode': 'cors'}), urls)
    assert {a.status for a in scripts} == {401} and all('error' in a.json and not a.location for a in scripts)

    person.login(email).must(303)
    cookies = dict(person.cookies)
    back = in_parallel(tab, [a.location for a in away])
    assert [a.location for a in back] == urls and {a.status for a in back} == {303}
    assert {a.status for a in in_parallel(tab, urls)} == {200}
