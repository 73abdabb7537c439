"""HTTP as a citizen's program speaks it: one request at a time, or many at the very same moment."""
import http.client
import json
import socket


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {k.lower(): v for k, v in headers}
        self.body = body

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def code(self):
        value = self.json()
        return value.get("code") if isinstance(value, dict) else None

    def __str__(self):
        return f"{self.status} {self.body.decode(errors='replace')[:700]}"


def encoded(body):
    return body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()


def request(port, method, path, body=None, headers=None, seconds=60, host="127.0.0.1"):
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        sent = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, encoded(body), {**sent, **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP answer: {error!r}") from error
    finally:
        connection.close()


def as_bytes(method, path, body, headers):
    data = encoded(body) or b""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", f"Content-Length: {len(data)}"]
    if data:
        lines.append("Content-Type: application/json")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


def read_answer(sock):
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    return Answer(answer.status, answer.getheaders(), answer.read())


def at_once(port, requests, seconds=60):
    """Each request on a socket of its own: all but the last byte of each first, then the last bytes in one go."""
    sockets = [socket.create_connection(("127.0.0.1", port), timeout=seconds) for _ in requests]
    try:
        wires = [as_bytes(*one) for one in requests]
        for sock, wire in zip(sockets, wires):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(wire[:-1])
        for sock, wire in zip(sockets, wires):
            sock.sendall(wire[-1:])
        return [read_answer(sock) for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()
