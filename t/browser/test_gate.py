# SPDX-License-Identifier: Apache-2.0
"""A gate as a real browser meets it: what it says of a form's origin, and the pages that a gate brings along, with their style."""
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from test_accessible import AXE, RULES, RUN

from lib.clients import Native, new_email
from lib.factors import enrol
from lib.serving import Server, free_port
from lib.settings import base, merge

PASSWORD = 'correct-Horse-battery-9'
PLACES = '''
<Location "/">
    Require all granted
    ProxyPass "http://127.0.0.1:{app}/"
</Location>
<Location "/write">
    Require kratos-session
    KratosKeepPost 64k
</Location>
<Location "/admin">
    Require kratos-aal aal2
    KratosKeepPost 64k
</Location>
'''
FORM = '''<!DOCTYPE html><title>form</title><form method="post" action="{to}" {how}><textarea name="text">an hour of work: ü &amp;
second line</textarea><button name="go" value="1">go</button></form>'''


class Site:
    """An application behind a gate: a page with a form, and what it is sent."""

    def __init__(self):
        self.posts, outer = [], self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                outer.posts.append((self.path, self.headers, self.rfile.read(int(self.headers.get('Content-Length') or 0))))
                self.answer('<!DOCTYPE html><title>thank you</title>')

            def do_GET(self):
                how = 'enctype="multipart/form-data"' if 'multipart' in self.path else ''
                self.answer(FORM.format(to=self.path.partition('to=')[2], how=how) if 'to=' in self.path else '<!DOCTYPE html><title>page</title>')

            def answer(self, text):
                self.send_response(200)
                self.send_header('Content-Type', 'text/html; charset=utf-8')
                self.send_header('Content-Length', str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.app = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.app.daemon_threads = True
        threading.Thread(target=self.app.serve_forever, daemon=True).start()
        port, gate = free_port(), free_port()
        tree = merge(base(port), {'selfservice': {
            'allowed_return_urls': [f'http://127.0.0.1:{gate}/'], 'default_browser_return_url': f'http://127.0.0.1:{port}/',
            'methods': {'totp': {'enabled': True}}}})
        for flow in ('login', 'registration', 'error'):
            del tree['selfservice']['flows'][flow]['ui_url']
        self.server = Server(tree, port=port, gate=gate, flags=['ui'], clock=True,
                             lines={'gate_extra': PLACES.format(app=self.app.server_address[1])})
        self.url = self.server.gate

    def close(self):
        self.server.stop()
        self.app.shutdown()
        self.app.server_close()

    def account(self, app=False):
        person, email = Native(self.server.url), new_email()
        person.register(email).must(200)
        return email, enrol(self.server, person) if app else None


@pytest.fixture(scope='module')
def site():
    site = Site()
    yield site
    site.close()


def press(chromium, css):
    """Presses a button, and waits for the page that comes."""
    before = chromium.find_element(By.TAG_NAME, 'html')
    chromium.find_element(By.CSS_SELECTOR, css).click()
    WebDriverWait(chromium, 20).until(lambda b: b.find_element(By.TAG_NAME, 'html') != before)


def fill(chromium, button, **fields):
    for name, value in fields.items():
        chromium.find_element(By.NAME, name).send_keys(value)
    press(chromium, f'button[value="{button}"]')


@pytest.fixture
def runs_scripts(request):
    return 'with JavaScript' in request.node.name


def is_dressed(chromium, runs_scripts):
    """The style sheet that came along holds, nothing was refused, and the page keeps nobody out."""
    assert chromium.find_element(By.CSS_SELECTOR, '.card').value_of_css_property('border-radius') == '14px'
    assert not [line for line in chromium.get_log('browser') if 'Content Security Policy' in line['message']]
    if not runs_scripts:
        return
    chromium.execute_script(AXE.read_text())
    found = chromium.execute_async_script(RUN, RULES)
    assert found['passed'] > 5 and not found['violations'], found


@pytest.mark.parametrize('how', ['urlencoded', 'multipart'])
def test_a_form_that_meets_the_gate_is_sent_after_the_sign_in(site, chromium, runs_scripts, how):
    email, app = site.account(app=True)
    site.posts.clear()
    chromium.get(f'{site.url}/form?{how}&to=/admin/x?a=b')
    press(chromium, 'button')
    fill(chromium, 'password', identifier=email, password=PASSWORD)
    fill(chromium, 'totp', totp_code=app.next())
    assert chromium.current_url.startswith(site.url + '/admin/x?a=b&kratos-kept=')
    text = chromium.find_element(By.TAG_NAME, 'main').text
    assert email in text and 'text' in text and 'an hour' not in chromium.page_source and site.posts == []
    is_dressed(chromium, runs_scripts)
    chromium.shot('kept form')
    press(chromium, 'button')
    assert chromium.title == 'thank you'
    (path, headers, body), = site.posts
    assert path == '/admin/x?a=b' and headers['Origin'] == site.url and headers['Referer'].startswith(site.url + '/form')
    assert b'an+hour+of+work%3A+%C3%BC+%26%0D%0Asecond+line&go=1' == body[5:] if how == 'urlencoded' else 'an hour of work: ü &\r\nsecond'.encode() in body
    chromium.back()                             # the question again: it is over
    chromium.refresh()
    assert 'kratos_kept_token' not in chromium.page_source and site.posts[1:] == []
    is_dressed(chromium, runs_scripts)
    chromium.shot('kept form gone')


def test_a_form_of_another_site_is_not_kept(site, chromium):
    site.posts.clear()
    elsewhere = site.url.replace('127.0.0.1', 'localhost')
    chromium.get(f'{elsewhere}/form?to={site.url}/write')
    press(chromium, 'button')
    assert 'this very site' in chromium.page_source and site.posts == []


def test_who_has_no_second_factor_sees_where_to_set_one_up(site, chromium, runs_scripts):
    email, _ = site.account()
    chromium.get(site.url + '/admin/x')
    fill(chromium, 'password', identifier=email, password=PASSWORD)
    assert chromium.current_url == site.url + '/admin/x' and chromium.title.startswith('A second step is needed')
    is_dressed(chromium, runs_scripts)
    chromium.shot('no second factor')
    link = chromium.find_element(By.CSS_SELECTOR, 'a.primary').get_attribute('href')
    assert link.startswith(site.server.url + '/self-service/settings/browser?return_to=')
