# SPDX-License-Identifier: Apache-2.0
"""A host of a database that is not one: it hands on to a server's socket, and can be frozen, slow, cut off, or break at a certain statement."""
import contextlib
import selectors
import socket
import threading


class Proxy:
    """Listens on 127.0.0.1; `params` are what KratosDatabase says to reach it, `server` a MariaDB that listens on its socket."""

    def __init__(self, server, params):
        self.path = str(server.dir / 'sock')
        self.frozen, self.breaks, self.pairs = threading.Event(), None, []
        self.delay = 0          # seconds before each answer is handed on
        self.lock = threading.Lock()
        self.listening = socket.create_server(('127.0.0.1', 0), backlog=100)
        self.port = self.listening.getsockname()[1]
        driver, _, words = params.partition(' ')
        kept = ' '.join(word for word in words.split() if not word.startswith('sock='))
        self.params = f'{driver} host=127.0.0.1 port={self.port} {kept}'
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        """One connection, both ways. While frozen nothing is read, as by a process that was stopped."""
        with client, socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as either, contextlib.suppress(OSError):
            server.connect(self.path)
            with self.lock:
                self.pairs.append((client, server))
            either.register(client, selectors.EVENT_READ, server)
            either.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in either.select(0.05):
                    while self.frozen.is_set():
                        self.frozen_wait()
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    if self.breaks and key.fileobj is client and self.breaks(data, key.data):
                        return
                    if self.delay and key.fileobj is server:
                        threading.Event().wait(self.delay)
                    key.data.sendall(data)

    def frozen_wait(self):
        threading.Event().wait(0.02)

    def freeze(self):
        """It takes connections, as the kernel does for it, and says nothing."""
        self.frozen.set()

    def thaw(self):
        self.frozen.clear()

    def cut(self):
        """Every connection that stands breaks. How many."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        return len(pairs)

    def break_at(self, statement, delivered):
        """The next time that this is sent the connection breaks: once the server has it, or before. Returns an event that tells when."""
        done = threading.Event()

        def judge(data, server):
            if not data.endswith(b'\x03' + statement.encode()) or done.is_set():     # COM_QUERY
                return False
            done.set()
            if delivered:
                server.sendall(data)
                server.recv(65536)          # its answer, which nobody gets
            return True
        self.breaks = judge
        return done

    def gone_after(self, statement):
        """Once this was done and answered every connection breaks at whatever is sent over it, until mend()."""
        gone = threading.Event()

        def judge(data, _):
            if gone.is_set():
                return True
            if data.endswith(b'\x03' + statement.encode()):
                gone.set()
            return False
        self.breaks = judge

    def mend(self):
        """Nothing breaks any more."""
        self.breaks = None

    def close(self):
        self.listening.close()
        self.thaw()
        self.cut()
