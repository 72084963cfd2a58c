# SPDX-License-Identifier: Apache-2.0
"""Debian's own httpd with sites of its owner's: /etc/apache2 copied, a2enmod and a2ensite run, as the pages of docs/ say."""
import os
import pwd
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import yaml

from . import settings
from .serving import ROOT, Server, free_port, scratch, wait_for

# What Debian enables when it installs apache2.
STANDARD = '''access_compat alias auth_basic authn_core authn_file authz_core authz_host authz_user autoindex deflate dir env filter
    mime mpm_event negotiation reqtimeout setenvif status'''.split()
STANDARD_SITES = ['000-default']
STANDARD_CONF = 'charset localized-error-pages other-vhosts-access-log security serve-cgi-bin'.split()
OUT = Path(os.environ.get('OUT', ROOT / 'build' / 'out'))
# A test cannot wait for strong hashes, and asks nobody outside of its machine.
QUICK = {
    'hashers': {'argon2': {'memory': '1MB', 'iterations': 1}},
    'selfservice': {'methods': {'password': {'config': {'haveibeenpwned_enabled': False}}}},
}


def make_certificate(folder):
    """One for example.org, all below it and a shop elsewhere, made here and trusted by nobody else. Hands back certificate and key."""
    cert, key = folder / 'cert.pem', folder / 'key.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', '/CN=example.org', '-addext', 'subjectAltName=DNS:example.org,DNS:*.example.org,DNS:shop.example.com',
                    '-keyout', key, '-out', cert], check=True, capture_output=True)
    return cert, key


class Machine(Server):
    """
    One Debian machine: its httpd with these sites, in the foreground until stop().

    sites: {name: httpd lines}; kratos: {file below /etc/kratos: tree of settings, on top of conf/kratos.yml};
    modules: what the owner enables; without: what of Debian's own sites the owner switches off; swap: [(what the lines say, what is meant here)] beside the paths that every site has.
    ports: for TLS and without; free ones unless given. installed: False leaves all that is about the module to the owner.
    """

    def __init__(self, sites=None, kratos=None, modules=(), without=(), swap=(), ports=None, installed=True):
        self.dir = self.config_dir = scratch('machine')
        self.port, self.plain_port = ports or (free_port(), free_port())
        self.etc, self.www, self.output = self.dir / 'etc', self.dir / 'www', self.dir / 'serve.out'
        self.announced, self._seen, self.proc = [], 0, None
        self.cert, self.key = make_certificate(self.dir)
        self.swap = [
            *swap,
            ('/etc/ssl/certs/ssl-cert-snakeoil.pem', str(self.cert)), ('/etc/ssl/private/ssl-cert-snakeoil.key', str(self.key)),
            ('/etc/kratos', f'{self.dir}/kratos'), ('/var/lib/kratos', f'{self.dir}/data'),
            ('/etc/apache2', str(self.etc)), ('/var/www', str(self.www)),
            ('*:443>', f'127.0.0.1:{self.port}>'), ('*:80>', f'127.0.0.1:{self.plain_port}>'),
        ]
        for name in ('etc', 'www', 'run'):
            (self.dir / name).mkdir()
        self._install_apache()
        if installed:
            self._install_kratos(kratos or {'kratos.yml': {}})
        self.enable('mod', *modules)
        self.enable('site', *without, off=True)
        for name, lines in (sites or {}).items():
            self.add_site(name, lines)

    # -- what an owner does ----------------------------------------------------------

    def here(self, text):
        """Lines of a page, with the ports, paths and databases of this machine in place of its examples."""
        for old, new in self.swap:
            text = text.replace(old, new)
        left = re.search(r'(?<![\w.])/(etc|var|srv|run)/\S*', text.replace(str(self.dir), 'here'))
        assert not left, f'no place on this machine for {left.group()}'
        return text

    def _install_apache(self):
        whole = Path('/etc/apache2/apache2.conf').read_text()
        (self.etc / 'apache2.conf').write_text(whole.replace('<Directory /var/www/>', f'<Directory "{self.www}/">'))
        shutil.copy('/etc/apache2/magic', self.etc)
        for name in ('mods-available', 'conf-available'):
            shutil.copytree(f'/etc/apache2/{name}', self.etc / name)
        for name in ('mods-enabled', 'conf-enabled', 'sites-available', 'sites-enabled'):
            (self.etc / name).mkdir()
        user = 'www-data' if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        (self.etc / 'envvars').write_text(''.join(f'export APACHE_{name}={value}\n' for name, value in {
            'RUN_USER': user, 'RUN_GROUP': user, 'PID_FILE': f'{self.dir}/run/apache2.pid', 'RUN_DIR': f'{self.dir}/run',
            'LOCK_DIR': f'{self.dir}/run', 'LOG_DIR': self.dir}.items()))
        (self.etc / 'ports.conf').write_text(f'Listen 127.0.0.1:{self.plain_port}\n'
                                             f'<IfModule ssl_module>\nListen 127.0.0.1:{self.port}\n</IfModule>\n')
        for site in STANDARD_SITES:
            (self.etc / 'sites-available' / f'{site}.conf').write_text(self.here(Path(f'/etc/apache2/sites-available/{site}.conf').read_text()))
        self.enable('mod', *STANDARD)
        self.enable('conf', *STANDARD_CONF)
        self.enable('site', *STANDARD_SITES)

    def _install_kratos(self, files):
        shutil.copy(ROOT / 'conf' / 'kratos.load', self.etc / 'mods-available')
        shutil.copy(ROOT / 'conf' / 'kratos.conf', self.etc / 'mods-available')
        self.use(OUT / 'mod_kratos.so', ROOT / 'sql')
        (self.dir / 'data').mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.dir / 'data', 'www-data', 'www-data')
        shutil.copytree(ROOT / 'conf' / 'schemas', self.dir / 'kratos' / 'schemas')
        tree = yaml.safe_load(settings.example())
        for name, changes in files.items():
            whole = settings.merge(settings.merge(tree, changes), QUICK)
            (self.dir / 'kratos' / name).write_text(self.here(yaml.safe_dump(whole)))

    def use(self, module, sql):
        """What `make install` puts into its places, from where it is in a test."""
        load = self.etc / 'mods-available' / 'kratos.load'
        load.write_text(load.read_text().replace('/usr/lib/apache2/modules/mod_kratos.so', str(module)))
        shutil.copytree(sql, self.dir / 'sql')      # where httpd's children can read it, unlike a closed home folder
        (self.etc / 'conf-enabled' / 'sql.conf').write_text(f'<IfModule kratos_module>\nKratosSqlDir "{self.dir}/sql"\n</IfModule>\n')

    def _run(self, command, **env):
        env = {**os.environ, 'APACHE_CONFDIR': str(self.etc), 'APACHE_STATE_DIRECTORY': f'{self.dir}/run', **env}
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)

    def enable(self, what, *names, off=False):
        """a2enmod, a2enconf, a2ensite; a2dismod and so on"""
        if names:
            done = self._run([f'/usr/sbin/a2{"dis" if off else "en"}{what}', '-q', *names])
            assert done.returncode == 0, done.stdout + done.stderr

    def add_site(self, name, lines):
        (self.etc / 'sites-available' / f'{name}.conf').write_text(self.here(lines))
        self.enable('site', name)

    def configtest(self):
        """What `apachectl configtest` says, and its exit status."""
        done = self._run(['/usr/sbin/apachectl', 'configtest'])
        return done.returncode, done.stdout + done.stderr

    def start(self):
        """Starts httpd and waits until it listens."""
        with open(self.output, 'ab') as out:
            # As apachectl does, which would stay between us and httpd.
            self.proc = subprocess.Popen(['sh', '-c', f'. {self.etc}/envvars; exec /usr/sbin/apache2 -d {self.etc} -D FOREGROUND'],
                                         stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

        def listens():
            assert self.proc.poll() is None, f'httpd ended:\n{self.log()[-3000:]}'
            return 'resuming normal operations' in self.log()
        wait_for(listens)
        return self

    def stop(self, keep=False, graceful=False):
        if self.proc:
            return super().stop(keep, graceful)
        shutil.rmtree(self.dir)
        return []

    # -- what stands around it -----------------------------------------------------------

    def put(self, path, text):
        """A file of the owner's, named as the pages name it."""
        file = Path(self.here(path))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def shell(self, command, folder=None, **env):
        """Commands of a page, on this machine: its names lead here, and this working copy is installed."""
        (self.dir / '.curlrc').write_text(f'cacert = "{self.cert}"\nconnect-to = ":443:127.0.0.1:{self.port}"\n'
                                          f'connect-to = ":80:127.0.0.1:{self.plain_port}"\n')
        ctl = self.dir / 'run' / 'kratosctl'
        ctl.write_text(f'#!/bin/sh\nexec {OUT}/kratosctl "$@" --sql {self.dir}/sql\n')
        ctl.chmod(0o755)
        env = {'CURL_HOME': str(self.dir), 'PATH': f'{ctl.parent}:{os.environ["PATH"]}:/usr/sbin:/sbin', **env}
        return self._run(['sh', '-c', f'cd {folder or self.dir}\n{self.here(command)}'], **env)

    def trust(self):
        """A TLS context that knows this machine's certificate."""
        return ssl.create_default_context(cafile=self.cert)

