"""A TCP relay before a node: counts requests by their first line, and holds, cuts or drops answers when it is told to."""
import contextlib
import socket
import ssl
import threading


class Relay:
    """`certificate`: (chain, key) where browsers speak TLS to it."""

    def __init__(self, port, host="127.0.0.1", certificate=None):
        self.port_behind = port
        self.listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.port = self.listener.getsockname()[1]
        self.lines = []
        self.open = threading.Event()  # answers pass
        self.open.set()
        self.drop = self.cut_scripts = False
        self.closed = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.closed:
            with contextlib.suppress(OSError):
                here, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(here,), daemon=True).start()

    def serve(self, here):
        with contextlib.suppress(OSError), self.tls.wrap_socket(here, server_side=True) if self.tls else here as here, socket.create_connection(("127.0.0.1", self.port_behind)) as there:
            threading.Thread(target=self.forward, args=(here, there), daemon=True).start()
            while data := there.recv(65536):
                self.open.wait()
                if self.drop:
                    break
                here.sendall(data)
            for s in (here, there):  # closing alone would wait for the other thread
                with contextlib.suppress(OSError):
                    s.shutdown(socket.SHUT_RDWR)

    def forward(self, here, there):
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                first = data.split(b"\r\n", 1)[0].decode(errors="replace")
                if first.endswith("HTTP/1.1"):
                    self.lines.append(first)
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)

    def count(self, begins, ends=""):
        return sum(line.startswith(begins) and line.rsplit(" ", 1)[0].endswith(ends) for line in self.lines)

    def close(self):
        self.closed = True
        self.open.set()
        self.listener.close()
