"""What `ui_update_simulation.py` of the ticketing document does: shows how a page changes for each
kind of notification. The bodies are not made up: they are what the receiver inside has got.

    python seed_a_simulation.py    reads {"url", "email", "password", "inside"}, prints each step
"""

import json
import sys
import time

from seed_a_desk import RINGS, Desk
from seed_a_page import COLLECTIONS, Page

task = json.load(sys.stdin)
desk = Desk(task["url"], task["email"], task["password"])
desk.ask("PUT", "/api/users/me/webhook", {"webhook_url": task["inside"]})
rest = desk.make_test_data()

bodies, give_up = [], time.monotonic() + 20
while len(bodies) < len(RINGS):
    if time.monotonic() > give_up:
        sys.exit(f"{len(bodies)} of {len(RINGS)} came")
    bodies = [one["body"] for one in desk.ask("GET", f"{task['inside']}?limit=100")]
    time.sleep(0.02)
# The receiver lists the newest first, and two may have come in either order.
bodies.sort(key=lambda body: RINGS.index(body["notification"]["type"]))

page, steps = Page(), []
for body in bodies:
    page.take(body)
    steps.append(
        {
            "type": body["notification"]["type"],
            "badge": page.badge,
            "toast": page.toasts[-1],
            "items": {name: len(page.lists[name]) for name in COLLECTIONS.values()},
        }
    )
print(json.dumps({"steps": steps, "page": page.shown(), "rest": rest, "expected": RINGS}))
