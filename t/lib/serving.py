# SPDX-License-Identifier: Apache-2.0
"""Starts build/serve, build/mariadb and build/mysql for as long as a test needs them. Every process is ended by its id."""
import contextlib
import itertools
import os
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import settings

ROOT = Path(__file__).resolve().parents[2]
SERVE = ROOT / 'build' / 'serve'

# httpd's event MPM closes connections under the hands of its own threads when SIGTERM ends it, and sometimes trips over that.
# A graceful end does not, so t/http/test_process.py looks there.
WHEN_TERMINATED = re.compile(r'AH0309[23]|AH0005[12]: child pid \d+ exit signal Segmentation fault')
# build/serve asks for half of all threads to be free (MinSpareThreads 25 of MaxRequestWorkers 50). When the other half is busy
# at httpd's look once a second, or one of the two processes takes no more for a moment, the MPM says so, once, as an error. It
# means that the machine is busy, and nothing else. "server reached MaxRequestWorkers" is another matter.
BUSY = re.compile(r'\[mpm_(event|worker):error\] .*AH(10159|00287): server is within MinSpareThreads of MaxRequestWorkers')
# Lines of an error log that nobody may leave uncommented: "[kratos:error]", "[core:crit]", a sanitizer's report, a crash.
ALARM = re.compile(r'\[[a-z0-9_]*:(error|crit|alert|emerg)\]|AddressSanitizer|LeakSanitizer|runtime error:|Segmentation fault'
                   r'|exit signal')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def scratch(name):
    """A folder that httpd's own user can reach, unlike pytest's."""
    path = Path(tempfile.mkdtemp(prefix=f'kratos-{name}-'))
    path.chmod(0o755)
    return path


def wait_for(what, seconds=20, pause=0.02):
    """Asks `what` until it says something true; hands that back."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f'{what} did not come true in {seconds} s')
        time.sleep(pause)       # this is the asking


def status_of(url, timeout=2):
    """The status of a GET, or 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as r:
            return r.status
    except urllib.error.HTTPError as e:
        return e.code
    except OSError:
        return 0


def ended(pid):
    """Is that process gone, or only waiting for its parent to hear of it?"""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] == 'Z'
    except OSError:
        return True


def children(pid):
    """Ids of the processes that any thread of that one has made."""
    try:
        return [int(child) for file in Path(f'/proc/{pid}/task').glob('*/children') for child in file.read_text().split()]
    except OSError:
        return []


def with_key(path, log):
    """That place of the page for owners, with the key that such a log told last."""
    return f'{path}?key=' + re.findall(r'KR1212: .*diagnose\?key=(\w+)', log)[-1]


def sanitizer_reports(folder):
    """What the sanitizers said of us; reports in which only httpd occurs are its own race (see above)."""
    reports = [file.read_text(errors='replace') for file in sorted(Path(folder).glob('asan.*'))]
    return [text for text in reports if 'mod_kratos' in text or 'mod_mpm_event' not in text]


class Clock:
    """What a server takes for the time: the machine's clock, and ahead of it once a test has said so (src/site/clock.c)."""

    def __init__(self, folder):
        self.file, self._ahead = folder / 'clock', 0
        self.file.write_bytes(bytes(8))

    @property
    def ahead(self):
        """By how many seconds."""
        return self._ahead

    def forward(self, seconds):
        """At once it is that much later for the server: nobody waits for things to grow old."""
        self._ahead += seconds
        with open(self.file, 'r+b') as file:        # in its place: the server has it mapped
            file.write(struct.pack('=q', round(self._ahead * 1000000)))


class Server:
    """build/serve in the foreground until stop(). `tree` is the whole kratos.yml, or its text."""

    def __init__(self, tree=None, *, port=None, dir=None, gate=False, lines=None, env=None, wait=True, flags=(), clock=False,
                 **options):
        """
        gate: a port for the guarded virtual host, or True for any; lines: {'extra' | 'gate_extra' | 'global': httpd lines};
        clock: .clock moves what it takes for the time; flags and options as build/serve has them: flags=['ui'], db='mysql ...', log='debug';
        a list of values is an option given several times.
        """
        self.port = port or free_port()
        self.dir = Path(dir) if dir else scratch('serve')
        self.url = f'http://127.0.0.1:{self.port}'
        self.config_dir = self.dir if dir else scratch('config')
        self.config = settings.write(self.config_dir, tree or settings.base(self.port))
        self.output = self.dir / 'serve.out'
        self.announced, self._seen = [], 0
        self.alarms()                       # what an earlier server in the same folder said is not ours
        hosts = options.get('db')
        self.db = hosts[0] if isinstance(hosts, list) else hosts            # None: self.sqlite
        options |= {'config': self.config, 'public_port': self.port, 'admin_port': free_port(), 'dir': self.dir}
        if gate:
            options['gate_port'] = free_port() if gate is True else gate
            self.gate = f'http://127.0.0.1:{options["gate_port"]}'
        for where, text in (lines or {}).items():
            options[where] = self.config_dir / f'{where}.conf'
            options[where].write_text(text)
        if clock:
            self.clock = Clock(self.config_dir)
            env = {**(env or {}), 'KRATOS_TEST_CLOCK': str(self.clock.file)}
        cmd = [str(SERVE), '--letters'] + [f'--{flag}' for flag in flags]
        for name, value in options.items():
            for each in value if isinstance(value, list) else [value] if value is not None else []:
                cmd += ['--' + name.replace('_', '-'), str(each)]
        with open(self.output, 'ab') as out:
            self.proc = subprocess.Popen(cmd, stdout=out, stderr=subprocess.STDOUT, cwd='/', env={**os.environ, **(env or {})},
                                         start_new_session=True)
        if wait:
            self.wait_ready()

    def ready(self):
        return status_of(self.url + '/health/ready') == 200

    def wait_ready(self, seconds=30):
        def answer():
            if self.proc.poll() is not None:
                raise RuntimeError(f'build/serve ended with {self.proc.returncode}:\n{self.log()[-3000:]}')
            return self.ready()
        try:
            wait_for(answer, seconds)
        except (TimeoutError, RuntimeError):
            log = self.log()[-3000:]
            self.stop()
            raise RuntimeError(f'the server did not get ready:\n{log}') from None

    # -- its processes and its words -------------------------------------------

    def httpd(self):
        """Ids of httpd's processes, the parent (which is what build/serve became) first."""
        return [self.proc.pid] + children(self.proc.pid)

    def log(self):
        """All that it said so far: standard output, httpd's error log, sanitizers."""
        files = [f.read_text(errors='replace') for f in (self.output, self.dir / 'error.log') if f.is_file()]
        return '\n'.join(files + sanitizer_reports(self.dir))

    def owners_page(self, path='/ui/diagnose'):
        """The page for owners with its key, as the log told it at the last start."""
        return with_key(path, self.log())

    def expect_log(self, pattern):
        """A line of the error log that the test knows will come, and does not mind."""
        self.announced.append(re.compile(pattern))

    def alarms(self):
        """Lines nobody announced since the last call."""
        lines = [ln for ln in self.log().splitlines() if ALARM.search(ln) and not BUSY.search(ln)]
        new, self._seen = lines[self._seen:], len(lines)
        return [ln for ln in new if not any(a.search(ln) for a in self.announced)]

    @property
    def sqlite(self):
        """Its file, where it serves from SQLite."""
        return self.dir / 'kratos.sqlite'

    def rows(self, sql):
        """Rows of a question to its SQLite file, as tuples."""
        with contextlib.closing(sqlite3.connect(f'file:{self.sqlite}?mode=ro', uri=True, timeout=10)) as db:
            return db.execute(sql).fetchall()

    def sql(self, sql):
        """Asks or changes its database, whichever it is. Rows as sequences of text."""
        if self.db:
            where = dict(word.split('=', 1) for word in self.db.split()[1:])
            to = [f'--socket={where["sock"]}'] if 'sock' in where else ['-h', where['host'], '-P', where['port']]
            out = subprocess.run(['mariadb', '--no-defaults', *to, f'--user={where["user"]}', '--batch', '--raw',
                                  '--skip-column-names', where['dbname'], '-e', sql], check=True, capture_output=True, text=True)
            return [line.split('\t') for line in out.stdout.splitlines()]
        with contextlib.closing(sqlite3.connect(self.sqlite, timeout=10)) as db, db:
            return db.execute(sql).fetchall()

    def counts(self):
        """{table: rows} of its SQLite file."""
        tables = [name for name, in self.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        return {name: self.rows(f'SELECT COUNT(*) FROM "{name}"')[0][0] for name in tables}

    # -- its end -----------------------------------------------------------------

    def stop(self, keep=False, graceful=False):
        """Ends it as an operator would. Hands back the lines that nobody announced."""
        left = self.alarms()
        if not graceful:
            self.announced.append(WHEN_TERMINATED)
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGWINCH if graceful else signal.SIGTERM)
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.proc.pid, signal.SIGKILL)
                self.proc.wait()
                left.append('it did not end in 20 seconds')
        left += self.alarms()
        for folder in {self.dir, self.config_dir} - ({self.dir} if keep else set()):
            shutil.rmtree(folder, ignore_errors=True)
        return left


class MariaDB:
    """A database server of its own, with as many empty databases as are asked for. `options` are the server's, for its start."""

    tool = 'mariadb'
    _number = itertools.count(1)

    def __init__(self, tcp=False, options=''):
        self.dir = scratch(self.tool)
        self.tcp, self.options = tcp, options
        self.start()

    def start(self):
        env = os.environ | {'KR_DATABASE_OPTIONS': self.options}
        if self.tcp and (self.dir / 'port').exists():
            env['KR_DATABASE_PORT'] = (self.dir / 'port').read_text().strip()      # whoever knew it finds it again
        subprocess.run([ROOT / 'build' / self.tool, 'start', self.dir] + (['tcp'] if self.tcp else []), check=True, env=env,
                       stdout=subprocess.DEVNULL)

    def stop(self):
        subprocess.run([ROOT / 'build' / self.tool, 'stop', self.dir], check=True)

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def kill(self):
        """As if the machine had lost its power."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: ended(pid))
        (self.dir / 'pid').unlink()

    def pid(self):
        return int((self.dir / 'pid').read_text())

    def query(self, sql, database='mysql'):
        """Rows of a question, as lists of text."""
        out = subprocess.run(['mariadb', '--no-defaults', f'--socket={self.dir}/sock', '--user=root', '--batch', '--raw',
                              '--skip-column-names', database, '-e', sql], check=True, capture_output=True, text=True).stdout
        return [line.split('\t') for line in out.splitlines()]

    def fresh(self):
        """An empty database: what build/serve wants after --db."""
        name = f'kratos_{next(self._number)}'
        self.query(f'CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin')
        where = f'host=127.0.0.1 port={(self.dir / "port").read_text().strip()}' if self.tcp else f'sock={self.dir}/sock'
        return f'mysql {where} user=root dbname={name}'


class MySQL(MariaDB):
    """The same of Oracle's."""
    tool = 'mysql'
