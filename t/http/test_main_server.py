# SPDX-License-Identifier: Apache-2.0
"""A realm at home in the main server, and virtual hosts beside it: httpd gives those without a line of ours the main server's record."""
import signal

import pytest

from lib.clients import new_email
from lib.pages import WWW, Guide, is_login
from lib.serving import wait_for
from lib.visitor import Visitor

# The whole realm outside of any virtual host.
MAIN = '''
KratosDatabase sqlite3 /var/lib/kratos/kratos.sqlite
KratosConfig /etc/kratos/kratos.yml
<Location "/auth">
    SetHandler kratos
    Require all granted
</Location>
<Location "/auth/ui">
    SetHandler kratos-ui
</Location>
'''
HOST = '''
<VirtualHost *:443>
    ServerName www.example.org
    DocumentRoot /var/www/html
    SSLEngine on
    SSLCertificateFile /etc/ssl/certs/ssl-cert-snakeoil.pem
    SSLCertificateKeyFile /etc/ssl/private/ssl-cert-snakeoil.key
    {}
    <Location "/members">
        Require kratos-session
    </Location>
</VirtualHost>
'''
# As Debian ships it: no line of ours at all.
PLAIN = '''
<VirtualHost *:80>
    DocumentRoot /var/www/plain
</VirtualHost>
'''
FILES = {'/var/www/html/members/index.html': 'secret page', '/var/www/plain/index.html': 'open page'}


def site(machine, *hosts, **kw):
    sites = {'00-main': MAIN, **{f'{n:02}-host': text for n, text in enumerate(hosts, 1)}}
    return machine(Guide('docs/howto/static-site.md'), sites=sites, files=FILES, **kw)


def works(it):
    """Is what is guarded guarded, and does the realm let people in?"""
    ana = Visitor(it)
    login = ana.get(WWW + '/members/')
    assert is_login(login), (login.url, login.text)
    return ana.sign_up(login, {'email': new_email()}).text == 'secret page'


@pytest.mark.parametrize('hosts', [
    [PLAIN],
    [PLAIN, PLAIN.replace('<VirtualHost *:80>', '<VirtualHost *:80>\n    ServerName second.example.org'), PLAIN.replace('*:80>', '*:443>')],
    [PLAIN.replace('</VirtualHost>', '<Location "/members">\n    Require kratos-session\n</Location>\n</VirtualHost>')],
    [PLAIN.replace('</VirtualHost>', '<Location "/x">\n    KratosUnauthenticated 401\n</Location>\n</VirtualHost>')],
    [PLAIN.replace('</VirtualHost>', '    KratosRealm default\n</VirtualHost>')],
], ids=['one', 'several', 'with a gate', 'with a place of ours', 'that names the realm'])
def test_a_realm_in_the_main_server_bears_virtual_hosts_without_a_line_of_ours(machine, hosts):
    it = site(machine, HOST.format(''), *hosts)
    code, said = it.configtest()
    assert code == 0 and 'Syntax OK' in said, said
    assert works(it)


def test_a_virtual_host_with_a_realm_of_its_own_stands_beside_it(machine):
    own = HOST.replace('www.example.org', 'own.example.org').format('''
    KratosRealm own
    KratosConfig /etc/kratos/kratos.yml
    KratosSet serve.public.base_url https://own.example.org/auth
    KratosSet selfservice.default_browser_return_url https://own.example.org/
    KratosSet selfservice.allowed_return_urls "['https://own.example.org/']"''')
    it = site(machine, HOST.format(''), PLAIN, own)
    assert works(it)
    assert Visitor(it).get('https://own.example.org/members/').url.startswith('https://own.example.org/auth/ui/login')


def test_settings_of_a_virtual_host_without_a_name_for_its_realm_are_told(machine):
    it = site(machine, HOST.format('KratosSet session.lifespan 1h'), PLAIN, start=False)
    code, said = it.configtest()
    assert code != 0 and said.count('KR1201') == 1, said
    assert '01-host.conf' in said and 'another name with KratosRealm' in said and '00-main.conf' in said


def test_a_name_without_a_realm_in_the_main_server_is_told_once(machine):
    it = machine(Guide('docs/howto/static-site.md'), sites={
        '00-main': MAIN + '<Location "/x">\n    KratosRealm nobody\n    Require kratos-session\n</Location>\n', '01': PLAIN, '02': PLAIN}, start=False)
    code, said = it.configtest()
    assert code != 0 and said.count('there is no such realm') == 1, said


def test_a_graceful_restart_bears_a_virtual_host_that_was_added(machine):
    it = site(machine, HOST.format(''))
    assert works(it)
    it.add_site('99-added', PLAIN)
    it.proc.send_signal(signal.SIGUSR1)
    wait_for(lambda: it.log().count('resuming normal operations') == 2 or it.proc.poll() is not None)
    assert it.proc.poll() is None, it.log()[-2000:]
    assert works(it)
    wait_for(lambda: Visitor(it).get('http://www.example.org/').text == 'open page')
