"""A supervisor's end of sd_notify(3): prints every datagram as a JSON line. Argument: the socket, with @ in front of an abstract one."""
import json
import socket
import sys

name = sys.argv[1]
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind("\0" + name[1:] if name.startswith("@") else name)
print(json.dumps("listening"), flush=True)
while True:
    # What comes along with a datagram (the descriptor of BARRIER=1) is closed at once, as systemd does when it has looked.
    data, _, _, _ = server.recvmsg(65536)
    print(json.dumps(data.decode()), flush=True)
