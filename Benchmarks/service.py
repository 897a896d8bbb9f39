"""What the tunnel leads to in the tunnel benchmark, in the place of the device's sshd.

It shows an SSH banner, as the canary wants one, reads a line and does what it says:
    echo        every byte back
    source N    N bytes
    sink N      reads N bytes, then answers with one
    pair        for every two bytes that came, one back
"""

import socket
import sys
import threading

CHUNK = bytes(262_144)


def serve(connection):
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"SSH-2.0-benchmark\r\n")
        line = b""
        while not line.endswith(b"\n"):
            byte = connection.recv(1)
            if not byte:
                return
            line += byte
        verb, *count = line.decode().split()
        left = int(count[0]) if count else 0
        if verb == "source":
            while left > 0:
                connection.sendall(CHUNK[:left])
                left -= len(CHUNK)
            return
        while data := connection.recv(262_144):
            if verb == "echo":
                connection.sendall(data)
            elif verb == "pair":
                left += len(data)
                connection.sendall(b"." * (left // 2))
                left %= 2
            elif verb == "sink":
                left -= len(data)
                if left <= 0:
                    connection.sendall(b".")


def quietly(connection):
    try:
        serve(connection)
    except OSError:
        pass


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=512)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=quietly, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
