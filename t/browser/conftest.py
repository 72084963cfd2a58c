# SPDX-License-Identifier: Apache-2.0
"""A real Chromium, and the demo that it walks through."""
import contextlib
import email
import email.policy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from lib.fixtures import post  # noqa: F401
from lib.serving import ROOT, free_port, scratch, status_of, wait_for, with_key

sys.dont_write_bytecode = True
FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--window-size=1100,900']
SCREENS = ROOT / 'build' / 'run' / 'screens'


def mails_in(folder, address):
    """Texts of the mails in a folder for that address, the oldest first."""
    files = sorted(folder.glob('*.eml'), key=lambda f: f.stat().st_mtime_ns)
    mails = [email.message_from_bytes(f.read_bytes(), policy=email.policy.default) for f in files]
    return [f"{m['Subject']}\n\n{m.get_body(('plain',)).get_content()}" for m in mails if address in m['To']]


class Demo:
    """build/demo on ports of its own: an open site, and a private one beside it."""

    def __init__(self):
        port = self._two_ports()
        self.open, self.private = f'http://127.0.0.1:{port}', f'http://127.0.0.1:{port + 1}'
        self.root = self.open + '/auth'             # of the API; the pages are below it
        self.dir = scratch('demo')
        self.log = tempfile.TemporaryFile('w+')
        self.proc = subprocess.Popen([ROOT / 'build' / 'demo', '--port', str(port), '--dir', self.dir], stdout=self.log,
                                     stderr=subprocess.STDOUT)
        wait_for(self._answers, 300, 0.1)

    @staticmethod
    def _two_ports():
        while True:
            port = free_port()
            with contextlib.suppress(OSError), socket.socket() as beside:
                beside.bind(('127.0.0.1', port + 1))
                return port

    def _answers(self):
        if self.proc.poll() is not None:
            self.log.seek(0)
            raise RuntimeError('build/demo ended:\n' + self.log.read())
        return status_of(self.open + '/auth/health/ready') == 200

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        self.proc.wait(30)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def owners_page(self):
        """The path of the page for owners, below the root."""
        return with_key('/ui/diagnose', (self.dir / 'error.log').read_text())

    def mails_to(self, address):
        """Texts of the mails in the demo's folder for that address, the oldest first."""
        return mails_in(self.dir / 'mail', address)


@pytest.fixture(scope='session')
def demo():
    demo = Demo()
    yield demo
    demo.stop()


def launch(profile, javascript=True, fedcm=False):
    """A Chromium that nobody used before, with its things in `profile`; fedcm: its own dialogue is ours to answer."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which('chromium')
    for flag in FLAGS + [f'--user-data-dir={profile}']:
        options.add_argument(flag)
    if not javascript:
        options.add_experimental_option('prefs', {'profile.managed_default_content_settings.javascript': 2})
    if fedcm:           # a no is a capability that this chromedriver does not have
        options.set_capability('fedcm:accounts', True)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    browser = webdriver.Chrome(options=options, service=Service(shutil.which('chromedriver')))
    browser.set_page_load_timeout(30)
    SCREENS.mkdir(parents=True, exist_ok=True)
    return browser


@pytest.fixture(params=['with JavaScript', 'without JavaScript'])
def chromium(request):
    """A browser that nobody used before. shot(name) keeps a picture for humans."""
    profile = tempfile.mkdtemp(prefix='kratos-chromium-')
    browser = launch(profile, request.param == 'with JavaScript')
    browser.get('data:text/html,<title>before</title><script>document.title = "after"</script>')
    assert browser.title == ('before' if request.param == 'without JavaScript' else 'after')
    browser.shot = lambda name: browser.save_screenshot(str(SCREENS / f'{request.param} {name}.png'.replace(' ', '-')))
    yield browser
    browser.quit()
    shutil.rmtree(profile, ignore_errors=True)
