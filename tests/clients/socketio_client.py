"""A stock python-socketio client that tells each thing it hears as a line of JSON, and emits what
lines on its standard input say: {"emit": [...]} with an answer.

    python socketio_client.py <url> <options as JSON>

With "resume" among the options it comes back with the last seq it has heard.
"""

import json
import sys
import threading

import socketio

url, options = sys.argv[1], json.loads(sys.argv[2])
telling = threading.Lock()
last = {}


def tell(**line):
    with telling:
        print(json.dumps(line), flush=True)


def auth():
    return {**options.get("auth", {}), **(last if options.get("resume") else {})}


client = socketio.Client(reconnection_delay=0.2, reconnection_delay_max=0.2)


@client.event
def connect():
    tell(**{"is": "connect"})


@client.event
def connect_error(data):
    tell(**{"is": "connect_error", "message": data["message"] if isinstance(data, dict) else data})


@client.event
def disconnect(reason):
    tell(**{"is": "disconnect", "reason": reason})


@client.on("*")
def anything(event, *args):
    if args and isinstance(args[0], dict) and "seq" in args[0]:
        # Handlers run on threads of their own, and may overtake each other.
        last["since"] = max(last.get("since", 0), args[0]["seq"])
    tell(**{"is": "event", "args": [event, *args]})


try:
    client.connect(url, auth=auth, transports=options.get("transports"))
except socketio.exceptions.ConnectionError as e:
    tell(**{"is": "refused", "message": str(e)})
    sys.exit(1)

for line in sys.stdin:
    event, *data = json.loads(line)["emit"]
    client.emit(event, tuple(data), callback=lambda *args: tell(**{"is": "answer", "args": args}))
