"""What `test_socketio.py` of the ticketing document does: connects, listens, joins and leaves a
room, and lets a page follow what happens.

    python seed_a_socketio.py    reads {"url", "email", "password"}, prints what it found
"""

import json
import sys
import threading

import socketio
from seed_a_desk import RINGS, Desk
from seed_a_page import Page

task = json.load(sys.stdin)
desk = Desk(task["url"], task["email"], task["password"])
me = desk.ask("GET", "/api/auth/me")
# To hear of what one does oneself, as the document's scripts do.
desk.ask("PUT", "/api/users/me/webhook", {"webhook_url": task["inside"]})

heard, named, changed = [], set(), threading.Condition()
client = socketio.Client(reconnection=False)


@client.on("notification")
def on_notification(payload):
    with changed:
        heard.append(payload)
        changed.notify_all()


@client.on("*")
def on_anything(event, *_):
    with changed:
        named.add(event)
        changed.notify_all()


def wait_for(is_enough, what):
    with changed:
        if not changed.wait_for(is_enough, timeout=20):
            sys.exit(f"{what} did not come: {heard} {named}")


# The document's page connects with the address alone: `io('http://localhost:5000')`. Signed in by
# its cookie that is enough; a stranger is told why not.
stranger, refused = socketio.Client(reconnection=False), []
stranger.on("connect_error", lambda why: refused.append(why))
try:
    stranger.connect(task["url"])
except socketio.exceptions.ConnectionError:
    stranger.disconnect()

client.connect(task["url"], auth={"token": desk.token})
room = f"user_{me['id']}"
rooms = [
    client.call("join", {"room": room}),
    client.call("join", f"tenant_{me['tenant_id']}"),
    client.call("join", "user_somebody-else"),
    client.call("leave", f"tenant_{me['tenant_id']}"),
]
rest = desk.make_test_data()
wait_for(lambda: len(heard) >= len(RINGS), "all notifications")
wait_for(lambda: {"user.deleted", "kb_article.created"} <= named, "the other events")
client.disconnect()

page = Page()
# Handlers run on threads of their own; the numbers tell the order.
for payload in sorted(heard, key=lambda payload: payload["seq"]):
    page.take(payload)

print(
    json.dumps(
        {
            "refused": refused,
            "rooms": rooms,
            "room": room,
            "page": page.shown(),
            "rest": rest,
            "expected": RINGS,
            "named": sorted(named),
        }
    )
)
