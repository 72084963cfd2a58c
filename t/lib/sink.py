# SPDX-License-Identifier: Apache-2.0
"""A mail server for thousands of mails, and how they get into the queue. mailbox.py has the one that reads mails."""
import asyncio
import collections
import contextlib
import http.client
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .serving import free_port, wait_for
from .settings import merge, nested

Mail = collections.namedtuple('Mail', 'to id at')       # recipient, Message-ID, time.monotonic() of the sink's yes


def linger(seconds=1.5):
    """Long enough for a copy to come that somebody still has. That none comes is nothing that could be waited for."""
    time.sleep(seconds)


class Sink:
    """
    SMTP without TLS, as bare as it gets, so that a benchmark measures the sender: it keeps recipient and Message-ID of
    each mail, nothing else. `refused`: recipients that get a 550. `pause`: seconds before the answer to a mail.
    `pace`: mails a second that all connections together may bring; None for no limit. `taken`: called with how many
    mails there are, each time before the answer goes out, in the sink's thread.
    """

    def __init__(self, pause=0, pace=None):
        self.port, self.pause, self.pace = free_port(), pause, pace
        self.uri = f'smtp://127.0.0.1:{self.port}/?disable_starttls=true'
        self.mails, self.refused, self.connections = [], set(), 0
        self.taken = lambda count: None
        self._next = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.open()

    # -- what a test does with it ------------------------------------------------

    def count(self):
        """How many mails each recipient got."""
        return collections.Counter(mail.to for mail in list(self.mails))

    def wait(self, addresses, seconds=30):
        """Until each of these addresses got a mail."""
        def missing():
            return set(addresses) - set(self.count())
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: not missing(), seconds, 0.05)
        assert not missing(), f'{len(missing())} of {len(addresses)} mails did not come'

    def open(self):
        async def begin():
            self._server = await asyncio.start_server(self._talk, '127.0.0.1', self.port)
        self._run(begin())

    def shut(self):
        """The mail server goes down: connections break where they stand. open() brings it back."""
        async def end():
            self._server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
        self._run(end())

    def close(self):
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    # -- how it talks --------------------------------------------------------------

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _take(self, reader, to):
        """One mail, up to its dot."""
        head, _, _ = (await reader.readuntil(b'\r\n.\r\n')).partition(b'\r\n\r\n')
        if self.pause:
            await asyncio.sleep(self.pause)                             # a slow server: see above
        if self.pace:
            self._next = max(self._next, time.monotonic()) + 1 / self.pace
            await asyncio.sleep(self._next - time.monotonic())
        ident = next((line[11:].strip().decode() for line in head.split(b'\r\n') if line.lower().startswith(b'message-id:')), None)
        self.mails.append(Mail(to, ident, time.monotonic()))
        self.taken(len(self.mails))

    async def _talk(self, reader, writer):
        self.connections += 1
        to = None
        writer.write(b'220 sink\r\n')
        try:
            while line := await reader.readline():
                verb, answer = line[:4].upper(), b'250 fine'
                if verb == b'EHLO':
                    answer = b'250-sink\r\n250 8BITMIME'
                elif verb == b'RCPT':
                    to = line.partition(b'<')[2].partition(b'>')[0].decode()
                    if to in self.refused:
                        answer = b'550 nobody of that name'
                elif verb == b'DATA':
                    writer.write(b'354 go on\r\n')
                    await self._take(reader, to)
                elif verb == b'QUIT':
                    break
                writer.write(answer + b'\r\n')
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass                                # whoever was cut short is not told that we have the mail: we have not
        finally:
            writer.close()


class SinkApart:
    """A Sink in a process of its own, for when its work must not delay the clock of this one. It tells nothing."""

    CODE = """if True:
        import sys
        sys.path.insert(0, sys.argv[1])
        from lib.sink import Sink
        sink = Sink(pause=float(sys.argv[2]))
        print(sink.uri, flush=True)
        sys.stdin.read()
        """

    def __init__(self, pause=0):
        self._process = subprocess.Popen([sys.executable, '-B', '-c', self.CODE, Path(__file__).resolve().parents[1], str(pause)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.uri = self._process.stdout.readline().strip()

    def close(self):
        self._process.communicate(timeout=10)


def letters(uri, **more):
    """
    Settings under which anybody's address gets a mail, so that a queue is filled by one request for each: addresses
    that nobody has are told so. No uri: nothing is sent.
    """
    flow = {'enabled': True, 'ui_url': 'http://127.0.0.1:15455/verification', 'notify_unknown_recipients': True}
    out = merge(nested('selfservice.flows.verification', flow), nested('selfservice.methods.code.enabled', True))
    if uri:
        out['courier'] = merge({'smtp': {'connection_uri': uri, 'from_address': 'site@example.org'}}, more)
    return out


def queued_by(addresses, server, threads=4):
    """Queues a mail to each of these addresses, which nobody has. The server has the settings of letters()."""
    def share(mine):
        connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)

        def ask(method, path, body=None):
            connection.request(method, path, body and json.dumps(body), {'Content-Type': 'application/json', 'Accept': 'application/json'})
            answer = connection.getresponse()
            data = answer.read()
            assert answer.status == 200, (answer.status, data[:500])
            return json.loads(data)

        flow = ask('GET', '/self-service/verification/api')['id']
        for address in mine:
            ask('POST', f'/self-service/verification?flow={flow}', {'method': 'code', 'email': address})
        connection.close()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(share, [addresses[i::threads] for i in range(threads)]))
