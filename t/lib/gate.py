# SPDX-License-Identifier: Apache-2.0
"""What sites behind the gate are made of."""
import base64
import hashlib
import shutil

from . import settings
from .backends import CGI
from .clients import PASSWORD
from .serving import free_port

BLUE = '''
<VirtualHost 127.0.0.1:{port}>
    ServerName 127.0.0.1:{port}
    KratosRealm blue
    KratosDatabase sqlite3 "{folder}/blue.sqlite"
    KratosConfig "{folder}/kratos.yml"
</VirtualHost>
'''


def basic(password, user='operator'):
    """The header of somebody whom another module lets in, by password."""
    return {'Authorization': 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()}


OPERATOR = basic(PASSWORD)


def add_operator(folder):
    """A file `users` for mod_authn_file, with the operator in it."""
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (folder / 'users').write_text(f'operator:{{SHA}}{digest}\n')


def realm_blue(folder):
    """httpd's lines for a second realm on a host of its own, with settings and data in that folder, which becomes httpd's."""
    port = free_port()
    shutil.chown(folder, 'www-data', 'www-data')
    settings.write(folder, settings.base(port))
    return BLUE.format(port=port, folder=folder)


def add_pages(server, *names):
    """A folder of each name in the guarded site, with a page."""
    for name in names:
        folder = server.dir / 'gate' / name
        folder.mkdir(mode=0o755)
        (folder / 'index.html').write_text(f'this is {name}')


def add_script(server, path):
    """A script x there that tells its environment (see told() of backends)."""
    folder = server.dir / 'gate' / path
    folder.mkdir(parents=True, mode=0o755)
    (folder / 'x').write_text(CGI)
    (folder / 'x').chmod(0o755)
