# SPDX-License-Identifier: Apache-2.0
"""docs/howto/web-hooks.md: its service, run as it stands there, refuses, fills in and is told."""
import subprocess
import sys

import pytest

from lib.clients import new_email
from lib.pages import WWW, Guide, check_dialogues
from lib.serving import free_port, status_of, wait_for
from lib.visitor import Visitor

GUIDE = Guide('docs/howto/web-hooks.md')
HERE = '127.0.0.1:8081'


class Service:
    """The page's own, on a port that is free here."""

    def __init__(self, folder):
        self.port, self.folder, self.proc = free_port(), folder, None
        self.said = folder / 'said'
        (folder / 'hooks.py').write_text(GUIDE.one('python').replace('8081', str(self.port)))

    def start(self):
        with open(self.said, 'ab') as out:
            self.proc = subprocess.Popen([sys.executable, 'hooks.py'], cwd=self.folder, stdout=out, stderr=subprocess.DEVNULL)
        wait_for(lambda: status_of(f'http://127.0.0.1:{self.port}/'))

    def stop(self):
        self.proc.kill()
        self.proc.wait()


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path)
    service.start()
    yield service
    service.stop()


def test_the_page_about_web_hooks(machine, service):
    it = machine(GUIDE, files={**GUIDE.files, '/var/www/html/index.html': 'secret page'}, start=False,
                 swap=[(HERE, f'127.0.0.1:{service.port}')])
    it.expect_log('KR0201|KR0505|KR0851')
    it.start()
    check_dialogues(it, GUIDE)

    refused = Visitor(it)
    page = refused.sign_up(refused.get(WWW + '/'), {'email': 'eve@spam.example'})
    assert 'We take no addresses of that host.' in page.text and page.url.startswith(WWW + '/auth/ui/registration')

    ana, email = Visitor(it), new_email()
    assert ana.sign_up(ana.get(WWW + '/'), {'email': email}).text == 'secret page'
    session = ana.get(WWW + '/auth/sessions/whoami', Accept='application/json').json
    assert session['identity']['metadata_public'] == {'customer': len(email)}
    wait_for(lambda: f'made: {email}' in service.said.read_text())
    assert 'spam.example' not in service.said.read_text()
