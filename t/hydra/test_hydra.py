# SPDX-License-Identifier: Apache-2.0
"""Ory Hydra itself, which t/hydra/build has made, with mod_kratos behind it: applications sign people in and out by OpenID Connect."""
import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest

from lib.clients import PASSWORD, WRONG, Browser, new_email
from lib.factors import App, link, shown
from lib.reader import Page
from lib.serving import ROOT, Server, free_port, status_of, wait_for
from lib.settings import base, merge, nested

sys.dont_write_bytecode = True
BACK, BYE = 'http://127.0.0.1:9/back', 'http://127.0.0.1:9/bye'      # of the application: nothing listens there
HEADER = {'X-Key': 's3cret'}


class Hydra:
    """The program, with an empty database, on two ports of its own."""

    def __init__(self, here):
        self.port, self.admin_port = free_port(), free_port()
        self.url, self.admin = f'http://127.0.0.1:{self.port}', f'http://127.0.0.1:{self.admin_port}'
        env = {**os.environ, 'DSN': 'memory', 'SECRETS_SYSTEM': 'a-secret-for-tests-only-of-hydra', 'URLS_SELF_ISSUER': self.url,
               'URLS_LOGIN': here + '/self-service/login/browser', 'URLS_REGISTRATION': here + '/self-service/registration/browser',
               'URLS_LOGOUT': here + '/ui/logout', 'URLS_CONSENT': 'http://127.0.0.1:9/consent', 'SERVE_PUBLIC_PORT': str(self.port),
               'SERVE_ADMIN_PORT': str(self.admin_port), 'SERVE_PUBLIC_HOST': '127.0.0.1', 'SERVE_ADMIN_HOST': '127.0.0.1',
               'LOG_LEVEL': 'warn', 'SQA_OPT_OUT': 'true', 'SERVE_COOKIES_NAMES_SESSION': 'hydra_session'}
        self.proc = subprocess.Popen([ROOT / 'build' / 'run' / 'hydra' / 'hydra', 'serve', 'all', '--dev'], env=env, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
        wait_for(lambda: status_of(self.admin + '/health/ready') == 200, 60, 0.2)
        self.client = self.ask('POST', '/clients', {
            'client_name': 'The App', 'redirect_uris': [BACK], 'post_logout_redirect_uris': [BYE], 'scope': 'openid',
            'grant_types': ['authorization_code'], 'response_types': ['code'], 'token_endpoint_auth_method': 'client_secret_post'})

    def ask(self, method, path, body=None):
        answer = Browser(self.admin).request(method, '/admin' + path, json_=body, accept='application/json')
        return answer.must(200, 201, 202).json

    def stop(self):
        self.proc.terminate()
        self.proc.wait()


@pytest.fixture(scope='module')
def pair():
    """mod_kratos and Hydra, each of which knows the other."""
    port = free_port()
    hydra = Hydra(f'http://127.0.0.1:{port}')
    own = {kind: {'ui_url': f'/ui/{kind}'} for kind in ('login', 'registration', 'settings', 'error')}
    tree = merge(base(port), {'selfservice': {'default_browser_return_url': '/ui/welcome', 'flows': own, 'methods': {'totp': {'enabled': True}},
                                              'allowed_return_urls': [f'http://127.0.0.1:{port}', hydra.url]},
                              'session': {'whoami': {'required_aal': 'highest_available'}},
                              'oauth2_provider': {'url': hydra.admin, 'headers': HEADER}})
    server = Server(tree, port=port, flags=['ui'], clock=True)
    server.hydra = hydra
    yield server
    left = server.stop()
    hydra.stop()
    assert not left, left


class Person:
    """A browser that follows redirects through application, Hydra and here, grants what is asked for, and stops at forms."""

    def __init__(self, server):
        self.server, self.hydra, self.browser = server, server.hydra, Browser(server.url)

    def go(self, url):
        """Where that leads: a page of ours, or the application's URL."""
        for _ in range(15):
            if url.startswith((BACK, BYE)):
                return url
            if url.startswith('http://127.0.0.1:9/consent'):
                url = self.grant(url)
                continue
            answer = self.browser.get(url)
            if answer.status not in (302, 303):
                page = Page(answer)
                page.answer, page.url = answer, url
                return page
            url = urljoin(url, answer.location)
        raise AssertionError('round in circles: ' + url)

    def grant(self, url):
        challenge = parse_qs(urlsplit(url).query)['consent_challenge'][0]
        self.consent = self.hydra.ask('GET', '/oauth2/auth/requests/consent?consent_challenge=' + challenge)
        return self.hydra.ask('PUT', '/oauth2/auth/requests/consent/accept?consent_challenge=' + challenge,
                              {'grant_scope': ['openid'], 'remember': True})['redirect_to']

    def begun(self, **more):
        """The first step of a sign-in, which begins at the application: Hydra's answer."""
        query = {'client_id': self.hydra.client['client_id'], 'response_type': 'code', 'scope': 'openid', 'redirect_uri': BACK,
                 'state': secrets.token_hex(8), 'nonce': secrets.token_hex(8), **more}
        return self.browser.get(self.hydra.url + '/oauth2/auth?' + urlencode(query))

    def sign_in(self, **more):
        return self.go(self.begun(**more).location)

    def send(self, page, **fields):
        """Fills in the form of a page."""
        data = {**{k: v for k, v in page.fields.items() if k}, **dict(b for b in page.buttons[:1] if b[0]), **{k.replace('__', '.'): v for k, v in fields.items()}}
        answer = self.browser.request('POST', urljoin(page.url, page.action), form=data)
        if answer.status not in (302, 303):
            page = Page(answer)
            page.answer, page.url = answer, None
            return page
        return self.go(urljoin(page.url, answer.location))

    def sign_up(self, **more):
        """Of somebody new, on the way to the application: their address and the tokens."""
        email = new_email()
        return email, self.tokens(self.send(self.sign_in(prompt='registration', **more), traits__email=email, password=PASSWORD))

    def tokens(self, back):
        """What the application gets for the code that it came back with."""
        assert isinstance(back, str) and back.startswith(BACK), back if isinstance(back, str) else (back.url, back.text)
        query = {k: v[0] for k, v in parse_qs(urlsplit(back).query).items()}
        assert 'code' in query, query
        client = self.hydra.client
        answer = Browser(self.hydra.url).request('POST', '/oauth2/token', form={
            'grant_type': 'authorization_code', 'code': query['code'], 'redirect_uri': BACK, 'client_id': client['client_id'],
            'client_secret': client['client_secret']}).must(200).json
        body = answer['id_token'].split('.')[1]
        return {**answer, **json.loads(base64.urlsafe_b64decode(body + '=' * (-len(body) % 4)))}

    def session(self):
        return self.browser.session()


@pytest.fixture
def person(pair):
    return Person(pair)


def error_of(back):
    return parse_qs(urlsplit(back).query)['error'][0]


def test_somebody_signs_up_and_the_application_knows_who(person):
    _, told = person.sign_up()
    session = person.session()
    assert told['sub'] == session['identity']['id'] and told['amr'] == ['password']


def test_somebody_signs_in_and_mistypes_first(person, pair):
    email, _ = Person(pair).sign_up()
    page = person.send(person.sign_in(), identifier=email, password=WRONG)
    told = person.tokens(person.send(page, identifier=email, password=PASSWORD))
    assert told['sub'] == person.session()['identity']['id']


def test_the_second_time_nobody_is_asked(person):
    _, told = person.sign_up()
    assert person.tokens(person.sign_in())['sub'] == told['sub']
    assert person.tokens(person.sign_in(prompt='none'))['sub'] == told['sub']


def test_a_session_here_alone_is_confirmed(person):
    email = new_email()
    person.browser.register(email).must(303)
    page = person.sign_in()
    assert page.url.startswith(person.server.url + '/ui/login')
    assert person.tokens(person.send(page, password=PASSWORD))['sub'] == person.session()['identity']['id']


def test_who_must_prove_it_again_does(person):
    _, told = person.sign_up()
    page = person.sign_in(prompt='login')
    again = person.tokens(person.send(page, password=PASSWORD))
    assert again['sub'] == told['sub'] and again['auth_time'] >= told['auth_time']


def test_nobody_is_asked_where_none_may_be(person):
    assert error_of(person.sign_in(prompt='none')) == 'login_required'


def test_two_factors_are_told(person, pair):
    email, _ = person.sign_up()
    flow = person.browser.start('settings').must(200)
    app = App(pair, shown(flow))
    link(person.browser, flow, app.code()).must(303)
    other = Person(pair)
    page = other.send(other.sign_in(), identifier=email, password=PASSWORD)
    assert 'totp_code' in page.fields
    assert other.tokens(other.send(page, totp_code=app.next()))['amr'] == ['password', 'totp']


def test_another_person_at_the_same_browser_becomes_the_one_there_too(person):
    """Hydra remembers the one, here the other is signed in: who is here confirms it, and is known there from then on."""
    _, first = person.sign_up()
    person.browser.cookies.pop('ory_kratos_session')
    second = new_email()
    person.browser.register(second).must(303)
    page = person.sign_in()
    told = person.tokens(person.send(page, password=PASSWORD))
    assert told['sub'] == person.session()['identity']['id'] != first['sub']
    assert person.tokens(person.sign_in(prompt='none'))['sub'] == told['sub']


def test_an_application_signs_somebody_out_here_and_there(person):
    _, told = person.sign_up()
    page = person.go(person.hydra.url + '/oauth2/sessions/logout?' + urlencode({'id_token_hint': told['id_token'], 'state': 's',
                                                                               'post_logout_redirect_uri': BYE}))
    assert 'The App' in page.text and person.browser.whoami().status == 200
    assert person.send(page).startswith(BYE)
    assert person.browser.whoami().status == 401
    assert error_of(person.sign_in(prompt='none')) == 'login_required'


def test_a_link_of_another_site_signs_nobody_out(person):
    person.sign_up()
    page = person.go(person.hydra.url + '/oauth2/sessions/logout')
    assert page.url.startswith(person.server.url + '/ui/logout') and person.browser.whoami().status == 200
    assert person.tokens(person.sign_in(prompt='none'))


def test_a_challenge_of_another_browser_gives_that_one_no_code(person, pair):
    """Somebody is sent a link in the middle of a sign-in that another began."""
    other = Person(pair)
    email, _ = Person(pair).sign_up()
    page = person.go(other.begun().location)
    end = person.send(page, identifier=email, password=PASSWORD)
    assert not (isinstance(end, str) and 'code=' in end), end


def test_a_challenge_that_is_none_is_told_so(person, pair):
    page = person.go(pair.url + '/self-service/login/browser?login_challenge=unknown')
    assert page.url.startswith(pair.url + '/ui/error')


def test_while_hydra_is_silent_nothing_is_lost(person, pair):
    email, _ = Person(pair).sign_up()
    page = person.sign_in()
    person.hydra.proc.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    try:
        answer = person.send(page, identifier=email, password=PASSWORD).answer
    finally:
        person.hydra.proc.send_signal(signal.SIGCONT)
    assert answer.status == 503 and answer.header('Retry-After') and time.monotonic() - begun < 10
    assert person.tokens(person.send(page, identifier=email, password=PASSWORD))['sub'] == person.session()['identity']['id']


def test_the_way_back_to_a_form_that_was_sent_ends_well(person, pair):
    """The Back button after the code was given: the same form once more."""
    email, _ = Person(pair).sign_up()
    page = person.sign_in()
    person.tokens(person.send(page, identifier=email, password=PASSWORD))
    again = person.go(page.url)
    assert error_of(person.send(again, password=PASSWORD)) == 'access_denied'       # Hydra has given its code: the application is told
