# SPDX-License-Identifier: Apache-2.0
"""Applications that tests put behind the gate. Each answers with what reached it: a JSON list of [name, value]."""
import base64
import glob
import hashlib
import json
import os
import shutil
import socket
import subprocess
import threading
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .serving import ROOT, free_port, scratch, wait_for


def modules(*names):
    """LoadModule lines."""
    apxs = subprocess.run([ROOT / 'build' / 'apxs', 'path'], check=True, capture_output=True, text=True).stdout.strip()
    where = subprocess.run([apxs, '-q', 'LIBEXECDIR'], check=True, capture_output=True, text=True).stdout.strip()
    return ''.join(f'LoadModule {name}_module "{where}/mod_{name}.so"\n' for name in names)


def listening(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


class Http:
    """An HTTP server. Names are those of CGI, HTTP_..., whatever stood in the hyphens' place, or what `named` makes
    of them. It upgrades whoever asks, and then sends back what it gets; `opened` counts that. Its query names headers to answer with."""

    def __init__(self, named=None):
        self.opened, self.closed = 0, 0
        named = named or variable
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                if self.headers.get('Upgrade', '').lower() == 'websocket':
                    outer.tunnel(self)
                    return
                self.rfile.read(int(self.headers.get('Content-Length') or 0))
                body = json.dumps([[named(k), v] for k, v in self.headers.items()]).encode()
                self.send_response(200)
                for name, values in parse_qs(urlsplit(self.path).query).items():
                    for value in values:
                        self.send_header(name, value)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                if self.command != 'HEAD':
                    self.wfile.write(body)

            do_POST = do_HEAD = do_PUT = do_OPTIONS = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def tunnel(self, handler):
        key = handler.headers.get('Sec-WebSocket-Key', '') + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'     # RFC 6455, section 1.3
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest())
        handler.wfile.write(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                            b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
        handler.wfile.flush()
        self.opened += 1
        handler.close_connection = True
        try:
            while data := handler.connection.recv(4096):
                handler.connection.sendall(data)
        except OSError:
            pass
        self.closed += 1

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def variable(header):
    """The name that CGI and its kind give a header, generously: whatever is no letter or digit becomes _."""
    return 'HTTP_' + ''.join(c if c.isascii() and c.isalnum() else '_' for c in header).upper()


class _Program:
    """A server of another kind, in a folder of its own."""

    def __init__(self, name):
        self.dir, self.port = scratch(name), free_port()
        self.prepare()
        with open(self.dir / 'out', 'wb') as out:
            self.proc = subprocess.Popen(self.command(), stdout=out, stderr=subprocess.STDOUT, cwd=self.dir)
        try:
            wait_for(lambda: listening(self.port) or self.proc.poll() is not None)
            assert self.proc.poll() is None, (self.dir / 'out').read_text()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.proc.terminate()
        self.proc.wait(20)
        shutil.rmtree(self.dir)


class Fpm(_Program):
    """PHP's FastCGI server; `script` is what it runs."""

    def __init__(self):
        super().__init__('fpm')

    def prepare(self):
        self.script = self.dir / 'app.php'
        self.script.write_text('<?php header("Content-Type: application/json"); $all = [];\n'
                               'foreach ($_SERVER as $k => $v) if (is_string($v)) $all[] = [$k, bin2hex($v)];\n'
                               'echo json_encode($all);\n')
        (self.dir / 'fpm.conf').write_text(
            f'[global]\nerror_log = {self.dir}/log\ndaemonize = no\n[app]\nlisten = 127.0.0.1:{self.port}\n'
            + ('user = www-data\ngroup = www-data\n' if os.geteuid() == 0 else '')
            + 'pm = static\npm.max_children = 2\n')

    def command(self):
        return [sorted(glob.glob('/usr/sbin/php-fpm*'))[0], '--nodaemonize', '--no-php-ini', '--fpm-config', self.dir / 'fpm.conf']


class Uwsgi(_Program):
    """uWSGI with an application in Python."""

    def __init__(self):
        super().__init__('uwsgi')

    def prepare(self):
        (self.dir / 'app.py').write_text(
            'import json\n'
            'def application(env, start):\n'
            '    start("200 OK", [("Content-Type", "application/json")])\n'
            '    return [json.dumps([[k, v.encode("latin-1").hex()] for k, v in env.items() if isinstance(v, str)]).encode()]\n')

    def command(self):
        return ['uwsgi_python3', '--socket', f'127.0.0.1:{self.port}', '--wsgi-file', 'app.py', '--need-app', '--die-on-term',
                '--processes', '1', '--master'] + (['--uid', 'www-data', '--gid', 'www-data'] if os.geteuid() == 0 else [])


CGI = '''#!/usr/bin/python3
import json, os
print('Content-Type: application/json\\n\\n' + json.dumps([[os.fsdecode(k), v.hex()] for k, v in os.environb.items()]))
'''


def told(answer, hexed):
    """[(name, value)] of an application's answer; those that are no HTTP servers write values in hexadecimals."""
    return [(k, bytes.fromhex(v).decode(errors='replace') if hexed else v) for k, v in json.loads(answer)]


def of_kratos(answer):
    """What the module told an Http(str.lower): {name: value}."""
    return {k: v for k, v in answer.must(200).json if 'kratos' in k}


def raw(port, data, method='GET', timeout=20):
    """Sends these bytes, reads one answer. (status, {header in lower case: value}, body); status 0: it hung up."""
    with socket.create_connection(('127.0.0.1', port), timeout) as s:
        s.sendall(data)
        answer = HTTPResponse(s, method=method)
        try:
            answer.begin()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        except (ConnectionError, ValueError):
            return 0, {}, b''


class Tunnel:
    """A connection that asks for an upgrade through a gate. `status` is what came of it."""

    def __init__(self, port, path, token=None, headers=()):
        self.socket = socket.create_connection(('127.0.0.1', port), 20)
        lines = [f'GET {path} HTTP/1.1', f'Host: 127.0.0.1:{port}', 'Upgrade: websocket', 'Connection: Upgrade',
                 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13', *headers]
        if token:
            lines.append(f'X-Session-Token: {token}')
        self.socket.sendall('\r\n'.join(lines + ['', '']).encode())
        head = b''
        while b'\r\n\r\n' not in head and (data := self.socket.recv(1)):
            head += data
        self.status = int(head.split()[1]) if head else 0

    def echo(self, text=b'hello'):
        """What the application sends back; nothing once the connection is cut."""
        try:
            self.socket.sendall(text)
            return self.socket.recv(4096)
        except (ConnectionError, BrokenPipeError):
            return b''

    def cut_within(self, seconds):
        """Does the other side close it, with nothing sent?"""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b''
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()
