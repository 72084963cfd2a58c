# SPDX-License-Identifier: Apache-2.0
"""Strangers who connect and do not get on with it."""
import contextlib
import selectors
import socket
import threading
from urllib.parse import urlsplit

from lib.serving import wait_for

# httpd's own limits, shorter than by default, as the scenarios wait for them.
LIMITS = 'RequestReadTimeout handshake=2 header=3 body=3\n'
FULL = 'AH00484'            # it says once that all workers are busy
QUIET = 400                 # connections, below httpd's ListenBacklog of 511
WORKERS = 50                # that build/serve gives httpd


class Strangers:
    """
    So many connections, each of which sends `opening`, and then a byte of a header or body at a time. Whoever is cut off comes again.
    `cut` counts them.
    """

    def __init__(self, url, count, opening=b''):
        self.place, self.count, self.opening = (urlsplit(url).hostname, urlsplit(url).port), count, opening
        self.cut, self.standing, self.over = 0, 0, threading.Event()
        self.thread = threading.Thread(target=self._stand, daemon=True)

    def __enter__(self):
        self.thread.start()
        wait_for(lambda: self.standing >= self.count or self.cut)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(60)

    def _stand(self):
        with selectors.DefaultSelector() as all_of_them:
            while not self.over.is_set():
                while len(all_of_them.get_map()) < self.count and not self.over.is_set():
                    self._come(all_of_them)
                self.standing = len(all_of_them.get_map())
                for key, _ in all_of_them.select(0):
                    self._leave(all_of_them, key.fileobj)
                if self.opening:
                    for key in list(all_of_them.get_map().values()):
                        self._drip(all_of_them, key.fileobj)
                self.over.wait(0.2)                 # the pace at which they drip
            for key in list(all_of_them.get_map().values()):
                key.fileobj.close()

    def _come(self, all_of_them):
        line = socket.socket()
        line.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            line.connect(self.place)
        all_of_them.register(line, selectors.EVENT_READ, False)

    def _drip(self, all_of_them, line):
        opened = all_of_them.get_key(line).data
        try:
            line.send(b'x' if opened else self.opening)
            if not opened:
                all_of_them.modify(line, selectors.EVENT_READ, True)
        except BlockingIOError:
            pass                                    # not connected yet
        except OSError:
            self._leave(all_of_them, line)

    def _leave(self, all_of_them, line):
        """Answered, or cut off."""
        with contextlib.suppress(KeyError):
            all_of_them.unregister(line)
            line.close()
            self.cut += 1


def head(path, more=''):
    return f'POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{more}'.encode()


def flood(stage):
    """
    Connections that say nothing: four hundred turn nobody away, two thousand (more than the kernel keeps in line for httpd) leave nothing
    behind. Then a hundred that never come to the end of their headers, twice as many as there are workers, are cut off.
    """
    house = stage.open(lines={'global': LIMITS})
    house.expect_log(FULL)
    with stage.people() as crowd:
        crowd.meet(30)
        with Strangers(house.server.url, QUIET):
            crowd.meet(100)
        if crowd.seen.statuses[503] or crowd.seen.lost:
            stage.ledger.fault(f'those who say nothing turn others away: {crowd.seen}')
        with Strangers(house.server.url, stage.times(2000, 1000)):
            pass                        # those who come now may have to wait until they are gone
        crowd.meet(30)
        with Strangers(house.server.url, 2 * WORKERS, head('/self-service/login', 'X-Slow: ')) as slow:
            wait_for(lambda: slow.cut > WORKERS, 60)
        crowd.meet(30)
    stage.happened = f'{slow.cut} with slow headers were cut off'


def slowloris(stage):
    """Bodies that come a byte at a time: forty leave others their workers, connections and hashes; two hundred are cut off."""
    house = stage.open(lines={'global': LIMITS})
    house.expect_log(FULL)
    with stage.people(4) as crowd:
        crowd.meet(30)
        flow = house.client().init('login').must(200).flow_id
        body = head(f'/self-service/login?flow={flow}', 'Content-Length: 60000\r\n\r\n{"method": "password", "password": "')
        with Strangers(house.server.url, WORKERS - 10, body):
            crowd.meet(100)
        if crowd.seen.statuses[503] or crowd.seen.lost:
            stage.ledger.fault(f'slow bodies turn others away: {crowd.seen}')
        with Strangers(house.server.url, 4 * WORKERS, body) as slow:
            wait_for(lambda: slow.cut > 2 * WORKERS, 60)
        crowd.meet(30)
    stage.happened = f'{slow.cut} with slow bodies were cut off'
